<?php
/** A shop in which the companion is active; every check begins with one. */

require __DIR__ . '/wordpress.php';
require __DIR__ . '/woocommerce.php';

/** The shop's page load: its choices, its language, then WooCommerce starts. */
function shop( string $personal = 'off', string $company = 'off', string $language = 'en_US' ): void {
	$GLOBALS['options']      = array(
		'davtari_personal_id_field' => $personal,
		'davtari_company_id_field'  => $company,
	);
	$GLOBALS['locale']       = $language;
	$GLOBALS['block_fields'] = array();
	do_action( 'before_woocommerce_init' );
	do_action( 'woocommerce_init' );
	do_action( 'admin_init' );
}

function same( $expected, $found, string $what ): void {
	if ( $expected !== $found ) {
		fwrite( STDERR, "$what\n  expected: " . var_export( $expected, true ) . "\n  found: " . var_export( $found, true ) . "\n" );
		exit( 1 );
	}
	echo "ok: $what\n";
}

require PLUGIN . '/davtari-checkout.php';
