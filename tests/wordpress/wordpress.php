<?php
/** Just enough of WordPress for the companion: hooks that run, options that are set, texts that are looked up. */

error_reporting( E_ALL );
set_error_handler(
	static function ( $level, $message, $file, $line ) {
		throw new ErrorException( $message, 0, $level, $file, $line );
	}
);

define( 'ABSPATH', __DIR__ . '/' );
define( 'PLUGIN', dirname( __DIR__, 2 ) . '/ops/wordpress/davtari-checkout' );

$hooks        = array();
$options      = array();
$locale       = 'en_US';
$texts        = array();
$policy_texts = array();

function add_filter( $hook, $callback, $priority = 10, $accepted_args = 1 ) {
	$GLOBALS['hooks'][ $hook ][ $priority ][] = array( $callback, $accepted_args );
}

function add_action( $hook, $callback, $priority = 10, $accepted_args = 1 ) {
	add_filter( $hook, $callback, $priority, $accepted_args );
}

function apply_filters( $hook, $value, ...$more ) {
	$by_priority = $GLOBALS['hooks'][ $hook ] ?? array();
	ksort( $by_priority );
	foreach ( array_merge( ...$by_priority ) as list( $callback, $accepted_args ) ) {
		$value = $callback( ...array_slice( array( $value, ...$more ), 0, $accepted_args ) );
	}
	return $value;
}

function do_action( $hook, ...$arguments ) {
	apply_filters( $hook, ...( $arguments ? $arguments : array( null ) ) );
}

function get_option( $name, $otherwise = false ) {
	return $GLOBALS['options'][ $name ] ?? $otherwise;
}

function delete_option( $name ) {
	unset( $GLOBALS['options'][ $name ] );
}

function load_plugin_textdomain( $domain, $deprecated, $folder ) {
	$file = dirname( PLUGIN ) . "/$folder/$domain-{$GLOBALS['locale']}.l10n.php";

	$GLOBALS['texts'][ $domain ] = is_readable( $file ) ? ( require $file )['messages'] : array();
}

function __( $text, $domain ) {
	return $GLOBALS['texts'][ $domain ][ $text ] ?? $text;
}

function sanitize_text_field( $text ) {
	return trim( preg_replace( '/[\r\n\t ]+/', ' ', strip_tags( $text ) ) );
}

function esc_html( $text ) {
	return htmlspecialchars( $text, ENT_QUOTES );
}

function wp_add_privacy_policy_content( $plugin, $text ) {
	$GLOBALS['policy_texts'][ $plugin ] = $text;
}

class WP_Error {
	/** @var array Message and data of each code. */
	public $errors = array();

	public function __construct( $code = '', $message = '', $data = null ) {
		if ( $code ) {
			$this->add( $code, $message, $data );
		}
	}

	public function add( $code, $message, $data = null ) {
		$this->errors[ $code ] = array( $message, $data );
	}

	public function messages() {
		return array_column( $this->errors, 0 );
	}
}
