<?php
/**
 * Takes the plugin's settings away. The numbers in orders stay: they belong to the shop's records.
 *
 * @package Davtari\Checkout
 */

defined( 'WP_UNINSTALL_PLUGIN' ) || exit;

delete_option( 'davtari_personal_id_field' );
delete_option( 'davtari_company_id_field' );
