<?php
/**
 * A number of the buyer: how long it is, what it is called, where it is kept.
 *
 * @package Davtari\Checkout
 */

namespace Davtari\Checkout;

defined( 'ABSPATH' ) || exit;

final class Field {
	const OFF      = 'off';
	const OPTIONAL = 'optional';
	const REQUIRED = 'required';

	/** Which number: `personal-id` or `company-id`. */
	public string $slug;

	/** How many digits it has. */
	public int $digits;

	/** The custom field of an order of the classic checkout; Davtari reads it by default. */
	public string $order_key;

	/** The custom field in which WooCommerce keeps the block checkout's number; Davtari reads it too. */
	public string $block_order_key;

	/** The field's id in the block checkout. */
	public string $block_id;

	/** The field's name in the classic checkout's form. */
	public string $name;

	/** What WooCommerce's order page calls the field: `order_key` without `_billing_`. */
	public string $admin_key;

	/** The shop's choice: off, optional or required. */
	public string $option;

	private function __construct( string $slug, int $digits, string $admin_key ) {
		$this->slug            = $slug;
		$this->digits          = $digits;
		$this->admin_key       = $admin_key;
		$this->order_key       = '_billing_' . $admin_key;
		$this->block_id        = 'davtari/' . $slug;
		$this->block_order_key = '_wc_other/' . $this->block_id;
		$this->name            = 'davtari_' . str_replace( '-', '_', $slug );
		$this->option          = $this->name . '_field';
	}

	/** @return self[] */
	public static function all(): array {
		return array( new self( 'personal-id', 11, 'personal_id' ), new self( 'company-id', 9, 'company_code' ) );
	}

	/** @return self[] */
	public static function turned_on(): array {
		return array_filter(
			self::all(),
			static function ( self $field ) {
				return self::OFF !== $field->mode();
			}
		);
	}

	/** @return string[] Every custom field of an order that may hold a number. */
	public static function all_order_keys(): array {
		return array_merge( array_column( self::all(), 'order_key' ), array_column( self::all(), 'block_order_key' ) );
	}

	/** Off unless the shop chose otherwise; code may choose by the filter `davtari_checkout_mode`. */
	public function mode(): string {
		$mode = apply_filters( 'davtari_checkout_mode', get_option( $this->option, self::OFF ), $this->slug );
		return in_array( $mode, array( self::OPTIONAL, self::REQUIRED ), true ) ? $mode : self::OFF;
	}

	public function is_required(): bool {
		return self::REQUIRED === $this->mode();
	}

	public function label(): string {
		return 'personal-id' === $this->slug ? __( 'Personal ID', 'davtari-checkout' ) : __( 'Company ID', 'davtari-checkout' );
	}

	/** The rule in words: a hint on the field, and the message when it is broken. */
	public function rule(): string {
		/* translators: 1: the name of the number, 2: how many digits it has */
		return sprintf( __( '%1$s: enter exactly %2$d digits.', 'davtari-checkout' ), $this->label(), $this->digits );
	}

	/**
	 * The number as it is stored: without spaces and hyphens, which people type between groups of digits.
	 *
	 * @param mixed $value What came from the form.
	 */
	public function clean( $value ): string {
		$text = is_scalar( $value ) ? sanitize_text_field( (string) $value ) : '';
		return (string) preg_replace( '/[\s-]+/u', '', $text );
	}

	/** An empty number will do unless the shop requires one. */
	public function accepts( string $number ): bool {
		return '' === $number ? ! $this->is_required() : 1 === preg_match( '/^[0-9]{' . $this->digits . '}\z/', $number );
	}
}
