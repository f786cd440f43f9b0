<?php
/**
 * What WooCommerce does with a plugin's checkout fields, as far as the companion meets it: both checkouts, the order's
 * page and the tools for personal data.
 */

namespace Automattic\WooCommerce\Utilities {
	class FeaturesUtil {
		/** @var array Feature → file of the plugin. */
		public static $compatible = array();

		public static function declare_compatibility( $feature, $file, $positive ) {
			self::$compatible[ $feature ] = $positive ? $file : false;
		}
	}
}

namespace {
	$block_fields = array();

	class WC_Order {
		/** @var array Custom fields by key. */
		public $meta = array();

		public function get_meta( $key ) {
			return $this->meta[ $key ] ?? '';
		}

		public function update_meta_data( $key, $value ) {
			$this->meta[ $key ] = $value;
		}

		public function delete_meta_data( $key ) {
			unset( $this->meta[ $key ] );
		}
	}

	function woocommerce_register_additional_checkout_field( $field ) {
		$GLOBALS['block_fields'][ $field['id'] ] = $field;
	}

	/** One buyer at the classic checkout. Returns what the buyer is told; without a complaint the order is made. */
	function classic_checkout( WC_Order $order, array $posted ): array {
		$fields = apply_filters( 'woocommerce_checkout_fields', array( 'billing' => array() ) )['billing'];
		$data   = array_map( static fn() => '', $fields );
		$data   = array_merge( $data, array_intersect_key( $posted, $fields ) );
		$errors = new WP_Error();
		foreach ( $fields as $name => $field ) {
			if ( $field['required'] && '' === $data[ $name ] ) {
				$errors->add( "{$name}_required", "{$field['label']} is a required field." );
			}
		}
		do_action( 'woocommerce_after_checkout_validation', $data, $errors );
		if ( ! $errors->errors ) {
			foreach ( preg_grep( '/^(billing|shipping)_/', array_keys( $data ) ) as $name ) {
				throw new LogicException( "WooCommerce would keep $name in the customer's account" );
			}
			do_action( 'woocommerce_checkout_create_order', $order, $data );
		}
		return $errors->messages();
	}

	/** One buyer at the block checkout. A field of the place `order` is kept in the order, under WooCommerce's own key. */
	function block_checkout( WC_Order $order, array $sent ): array {
		$complaints = array();
		foreach ( $GLOBALS['block_fields'] as $id => $field ) {
			$value   = $field['sanitize_callback']( $sent[ $id ] ?? '', $field );
			$verdict = $field['validate_callback']( $value, $field );
			if ( $verdict instanceof WP_Error ) {
				$complaints = array_merge( $complaints, $verdict->messages() );
			} else {
				$order->update_meta_data( "_wc_other/$id", $value );
			}
		}
		return $complaints;
	}

	/** The fields and values below the billing address on the order's page. */
	function order_page( WC_Order $order ): array {
		$shown = array();
		foreach ( apply_filters( 'woocommerce_admin_billing_fields', array(), $order, 'edit' ) as $key => $field ) {
			$shown[ $field['label'] ] = $order->get_meta( "_billing_$key" );
		}
		return $shown;
	}

	/** What a person who asks for the own data is given of an order. */
	function exported( WC_Order $order ): array {
		$given = array();
		foreach ( apply_filters( 'woocommerce_privacy_export_order_personal_data_meta', array() ) as $key => $label ) {
			if ( $order->get_meta( $key ) ) {
				$given[] = "$label: {$order->get_meta( $key )}";
			}
		}
		return $given;
	}

	/** Personal data is taken out of an order: a value becomes a placeholder, or goes when a filter empties it. */
	function erase( WC_Order $order ): void {
		$types = apply_filters( 'woocommerce_privacy_remove_order_personal_data_meta', array( 'Payer first name' => 'text' ) );
		foreach ( $types as $key => $type ) {
			$value = $order->get_meta( $key );
			if ( $value ) {
				$filter = 'woocommerce_privacy_remove_order_personal_data_meta_value';
				$left   = apply_filters( $filter, '[deleted]', $key, $value, $type, $order );
				$left ? $order->update_meta_data( $key, $left ) : $order->delete_meta_data( $key );
			}
		}
	}
}
