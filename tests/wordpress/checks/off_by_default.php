<?php
require dirname( __DIR__ ) . '/shop.php';

use Automattic\WooCommerce\Utilities\FeaturesUtil;

$plugin = PLUGIN . '/davtari-checkout.php';
$order  = new WC_Order();

do_action( 'before_woocommerce_init' );
do_action( 'woocommerce_init' );

same( array(), $block_fields, 'a new shop has no field in the block checkout' );
same( array( 'billing' => array() ), apply_filters( 'woocommerce_checkout_fields', array( 'billing' => array() ) ), 'and none in the classic one' );
same( array(), classic_checkout( $order, array( 'davtari_personal_id' => '99012345678' ) ), 'a number that is sent all the same passes' );
same( array(), $order->meta, 'and is not kept' );
same( array(), order_page( $order ), 'the order page shows nothing' );

$options['davtari_personal_id_field'] = 'nonsense';
do_action( 'woocommerce_init' );
same( array(), $block_fields, 'an unknown choice is off' );

same(
	array(
		'custom_order_tables'  => $plugin,
		'cart_checkout_blocks' => $plugin,
	),
	FeaturesUtil::$compatible,
	'the plugin stands by both order storages and both checkouts'
);
