<?php
/** Prints the custom fields of one order per checkout, as WooCommerce's REST answers them. */

require __DIR__ . '/shop.php';

function as_rest( WC_Order $order ): array {
	return array_map( static fn( $key, $value ) => array( 'key' => $key, 'value' => $value ), array_keys( $order->meta ), $order->meta );
}

shop( 'optional', 'optional' );
$classic = new WC_Order();
$block   = new WC_Order();
$told    = array_merge(
	classic_checkout( $classic, array( 'davtari_personal_id' => '990 1234 5678', 'davtari_company_id' => '999123456' ) ),
	block_checkout( $block, array( 'davtari/personal-id' => '990 1234 5678', 'davtari/company-id' => '999123456' ) )
);
if ( $told ) {
	throw new LogicException( implode( ' ', $told ) );
}
echo json_encode( array( 'classic' => as_rest( $classic ), 'block' => as_rest( $block ) ) );
