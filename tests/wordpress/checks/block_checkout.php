<?php
require dirname( __DIR__ ) . '/shop.php';

/** What the buyer is told, and what the order then holds. */
function bought( array $sent ): array {
	$order = new WC_Order();
	$told  = block_checkout( $order, $sent );
	return array( $told, $order->meta );
}

shop( 'required', 'optional' );
same( array( 'davtari/personal-id', 'davtari/company-id' ), array_keys( $block_fields ), 'both fields are there' );
foreach ( $block_fields as $id => $field ) {
	same( 'order', $field['location'], "$id is kept in the order, not in the account" );
	same( false, $field['show_in_order_confirmation'], "$id is not sent by e-mail" );
	same( array( 'autocomplete', 'title' ), array_keys( $field['attributes'] ), "$id has attributes that WooCommerce allows" );
}

same(
	array( array(), array( '_wc_other/davtari/personal-id' => '99012345678', '_wc_other/davtari/company-id' => '' ) ),
	bought( array( 'davtari/personal-id' => ' 990 1234-5678' ) ),
	'the number is kept without spaces and hyphens'
);
foreach ( array( '', ' ', '9901234567', '990123456789', 'abc', null, array( '99012345678' ) ) as $number ) {
	$told = bought( array( 'davtari/personal-id' => $number ) )[0];
	same( array( 'Personal ID: enter exactly 11 digits.' ), $told, 'refused: ' . json_encode( $number ) );
}

shop( 'off', 'optional' );
same( array( 'davtari/company-id' ), array_keys( $block_fields ), 'each field has its own switch' );
