<?php
require dirname( __DIR__ ) . '/shop.php';

shop( 'required', 'optional', 'ka_GE' );
same( array( 'პირადი ნომერი', 'საიდენტიფიკაციო კოდი' ), array_column( $block_fields, 'label' ), 'the fields are named in Georgian' );
same(
	array( 'პირადი ნომერი: შეიყვანეთ ზუსტად 11 ციფრი.' ),
	block_checkout( new WC_Order(), array( 'davtari/personal-id' => '1' ) ),
	'and so is the rule'
);
$settings = apply_filters( 'woocommerce_account_settings', array() );
same( 'სავალდებულო', $settings[1]['options']['required'], 'the shop reads its choices in Georgian' );

shop( 'required', 'optional', 'de_DE' );
same( 'Personal ID', $block_fields['davtari/personal-id']['label'], 'any other language falls back to English' );
