<?php
/**
 * Plugin Name:          Davtari checkout
 * Description:          Asks for the buyer's personal ID or company ID at the checkout, so that the Sale in Balance names the right client. Off until you turn it on under WooCommerce → Settings → Accounts & Privacy.
 * Version:              1.0.0
 * Requires at least:    6.5
 * Requires PHP:         7.4
 * Requires Plugins:     woocommerce
 * WC requires at least: 8.9
 * Text Domain:          davtari-checkout
 * Domain Path:          /languages
 * License:              Apache-2.0
 *
 * Every hook of the plugin stands in this file; what a number is and where it is kept stands in class-field.php.
 *
 * @package Davtari\Checkout
 */

namespace Davtari\Checkout;

use Automattic\WooCommerce\Utilities\FeaturesUtil;
use WC_Order;
use WP_Error;

defined( 'ABSPATH' ) || exit;

require_once __DIR__ . '/class-field.php';

add_action( 'before_woocommerce_init', __NAMESPACE__ . '\\declare_compatibility' );
add_action( 'woocommerce_init', __NAMESPACE__ . '\\load_translations', 5 );

add_filter( 'woocommerce_account_settings', __NAMESPACE__ . '\\with_settings' );

add_action( 'woocommerce_init', __NAMESPACE__ . '\\register_in_block_checkout' );

add_filter( 'woocommerce_checkout_fields', __NAMESPACE__ . '\\with_classic_fields' );
add_action( 'woocommerce_after_checkout_validation', __NAMESPACE__ . '\\validate_classic', 10, 2 );
add_action( 'woocommerce_checkout_create_order', __NAMESPACE__ . '\\store_classic', 10, 2 );

add_filter( 'woocommerce_admin_billing_fields', __NAMESPACE__ . '\\with_admin_fields', 10, 2 );

add_filter( 'woocommerce_privacy_export_order_personal_data_meta', __NAMESPACE__ . '\\with_exported_keys' );
add_filter( 'woocommerce_privacy_remove_order_personal_data_meta', __NAMESPACE__ . '\\with_erased_keys' );
add_filter( 'woocommerce_privacy_remove_order_personal_data_meta_value', __NAMESPACE__ . '\\erased_value', 10, 2 );
add_action( 'admin_init', __NAMESPACE__ . '\\suggest_privacy_text' );

/** Orders are touched through their own methods only, so both order storages and both checkouts will do. */
function declare_compatibility(): void {
	if ( class_exists( FeaturesUtil::class ) ) {
		FeaturesUtil::declare_compatibility( 'custom_order_tables', __DIR__ . '/davtari-checkout.php', true );
		FeaturesUtil::declare_compatibility( 'cart_checkout_blocks', __DIR__ . '/davtari-checkout.php', true );
	}
}

function load_translations(): void {
	load_plugin_textdomain( 'davtari-checkout', false, basename( __DIR__ ) . '/languages' );
}

/** One section with a choice per number: off, optional or required. */
function with_settings( array $settings ): array {
	$section = array(
		'id'    => 'davtari_checkout',
		'type'  => 'title',
		'title' => __( 'Buyer numbers at the checkout', 'davtari-checkout' ),
		'desc'  => __( 'The number is kept in the order only, and Davtari hands it to Balance.', 'davtari-checkout' ),
	);
	$end     = array(
		'id'   => 'davtari_checkout',
		'type' => 'sectionend',
	);
	return array_merge( $settings, array( $section ), array_map( __NAMESPACE__ . '\\setting', array_values( Field::all() ) ), array( $end ) );
}

function setting( Field $field ): array {
	return array(
		'id'      => $field->option,
		'type'    => 'select',
		'title'   => $field->label(),
		'default' => Field::OFF,
		'options' => array(
			Field::OFF      => __( 'Off', 'davtari-checkout' ),
			Field::OPTIONAL => __( 'Optional', 'davtari-checkout' ),
			Field::REQUIRED => __( 'Required', 'davtari-checkout' ),
		),
	);
}

/** The block checkout shows, stores and shows again in the admin by itself; it is left out of the buyer's e-mails. */
function register_in_block_checkout(): void {
	if ( ! function_exists( 'woocommerce_register_additional_checkout_field' ) ) {
		return; // WooCommerce before 8.9: the classic checkout only.
	}
	foreach ( Field::turned_on() as $field ) {
		woocommerce_register_additional_checkout_field(
			array(
				'id'                         => $field->block_id,
				'label'                      => $field->label(),
				'location'                   => 'order',
				'required'                   => $field->is_required(),
				'attributes'                 => array(
					'autocomplete' => 'off',
					'title'        => $field->rule(),
				),
				'show_in_order_confirmation' => false,
				'sanitize_callback'          => array( $field, 'clean' ),
				'validate_callback'          => static function ( $value ) use ( $field ) {
					$fine = $field->accepts( $field->clean( $value ) );
					return $fine ? true : new WP_Error( 'davtari_invalid_number', $field->rule() );
				},
			)
		);
	}
}

/**
 * The classic checkout's fields stand below the company's name.
 *
 * Their names do not begin with `billing_`: WooCommerce would keep such a field in the customer's account too.
 */
function with_classic_fields( array $fields ): array {
	foreach ( Field::turned_on() as $field ) {
		$fields['billing'][ $field->name ] = array(
			'type'              => 'text',
			'label'             => $field->label(),
			'required'          => $field->is_required(),
			'class'             => array( 'form-row-wide' ),
			'priority'          => 35,
			'autocomplete'      => 'off',
			'custom_attributes' => array(
				'inputmode' => 'numeric',
				'title'     => $field->rule(),
			),
		);
	}
	return $fields;
}

/** A required number that is missing altogether is asked for by WooCommerce itself. */
function validate_classic( array $data, WP_Error $errors ): void {
	foreach ( Field::turned_on() as $field ) {
		$given = $data[ $field->name ] ?? '';
		if ( '' !== $given && ! $field->accepts( $field->clean( $given ) ) ) {
			$errors->add( $field->name . '_validation', $field->rule(), array( 'id' => $field->name ) );
		}
	}
}

/** A buyer who comes back to an unpaid order may have emptied the field: then the order forgets the number. */
function store_classic( WC_Order $order, array $data ): void {
	foreach ( Field::turned_on() as $field ) {
		$number = $field->clean( $data[ $field->name ] ?? '' );
		if ( '' === $number ) {
			$order->delete_meta_data( $field->order_key );
		} else {
			$order->update_meta_data( $field->order_key, $number );
		}
	}
}

/**
 * The order's page shows the number under the billing address, to read and to correct, also in an order made by hand.
 *
 * @param array         $fields The fields of the billing address.
 * @param WC_Order|null $order  The order shown, where the caller tells it.
 */
function with_admin_fields( array $fields, $order = null ): array {
	foreach ( Field::turned_on() as $field ) {
		// A number of the block checkout is shown by WooCommerce itself.
		if ( ! $order instanceof WC_Order || '' === (string) $order->get_meta( $field->block_order_key ) ) {
			$fields[ $field->admin_key ] = array( 'label' => $field->label() );
		}
	}
	return $fields;
}

/** Numbers of past orders are personal data also while the fields are off. */
function with_exported_keys( array $labels ): array {
	foreach ( Field::all() as $field ) {
		$labels[ $field->order_key ]       = $field->label();
		$labels[ $field->block_order_key ] = $field->label();
	}
	return $labels;
}

function with_erased_keys( array $types ): array {
	return array_merge( $types, array_fill_keys( Field::all_order_keys(), 'text' ) );
}

/**
 * An erased number is taken out of the order; a placeholder in its place would be read as a number.
 *
 * @param mixed $anonymous What WooCommerce would write.
 */
function erased_value( $anonymous, string $key ) {
	return in_array( $key, Field::all_order_keys(), true ) ? '' : $anonymous;
}

function suggest_privacy_text(): void {
	$text = __( 'If you give your personal ID or company ID at the checkout, we keep it with your order and use it to name you in our accounting documents.', 'davtari-checkout' );
	wp_add_privacy_policy_content( 'Davtari checkout', '<p>' . esc_html( $text ) . '</p>' );
}
