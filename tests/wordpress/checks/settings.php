<?php
require dirname( __DIR__ ) . '/shop.php';

shop();
$settings = apply_filters( 'woocommerce_account_settings', array( array( 'id' => 'of_woocommerce' ) ) );

same(
	array( 'of_woocommerce', 'davtari_checkout', 'davtari_personal_id_field', 'davtari_company_id_field', 'davtari_checkout' ),
	array_column( $settings, 'id' ),
	'a section of its own, after those of WooCommerce'
);
foreach ( array( 2, 3 ) as $at ) {
	same( 'off', $settings[ $at ]['default'], 'a field is off until the shop chooses' );
	same( array( 'off', 'optional', 'required' ), array_keys( $settings[ $at ]['options'] ), 'three choices' );
}

add_filter( 'davtari_checkout_mode', static fn( $mode, $slug ) => 'company-id' === $slug ? 'required' : $mode, 10, 2 );
shop( 'optional' );
same( array( false, true ), array_column( $block_fields, 'required' ), 'code may choose for the shop' );

define( 'WP_UNINSTALL_PLUGIN', 'davtari-checkout/davtari-checkout.php' );
$order       = new WC_Order();
$order->meta = array( '_billing_personal_id' => '99012345678' );
require PLUGIN . '/uninstall.php';
same( array(), $options, 'the plugin goes with its settings' );
same( array( '_billing_personal_id' => '99012345678' ), $order->meta, 'and leaves the orders alone' );
