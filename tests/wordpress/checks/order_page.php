<?php
require dirname( __DIR__ ) . '/shop.php';

shop( 'optional', 'optional' );
$classic       = new WC_Order();
$classic->meta = array( '_billing_personal_id' => '99012345678' );
same(
	array( 'Personal ID' => '99012345678', 'Company ID' => '' ),
	order_page( $classic ),
	'the numbers of the classic checkout stand on the order page, also to be filled in'
);

$block       = new WC_Order();
$block->meta = array( '_wc_other/davtari/personal-id' => '99012345678' );
same( array( 'Company ID' => '' ), order_page( $block ), 'a number that WooCommerce shows by itself is not shown twice' );

$fields = apply_filters( 'woocommerce_admin_billing_fields', array( 'email' => array() ) );
same( array( 'email', 'personal_id', 'company_code' ), array_keys( $fields ), 'a caller that names no order is served too' );
