<?php
require dirname( __DIR__ ) . '/shop.php';

$numbers     = array(
	'_billing_personal_id'          => '99012345678',
	'_billing_company_code'         => '999123456',
	'_wc_other/davtari/personal-id' => '99087654321',
	'_wc_other/davtari/company-id'  => '999654321',
);
$order       = new WC_Order();
$order->meta = $numbers + array( 'Payer first name' => 'Nino', 'colour' => 'green' );

shop( 'off', 'off' );
same(
	array( 'Personal ID: 99012345678', 'Personal ID: 99087654321', 'Company ID: 999123456', 'Company ID: 999654321' ),
	exported( $order ),
	'a person gets the own numbers, also from the time before the fields were turned off'
);

erase( $order );
same(
	array( 'Payer first name' => '[deleted]', 'colour' => 'green' ),
	$order->meta,
	'the numbers go without a trace; the rest is not ours'
);

same( array( 'Davtari checkout' ), array_keys( $policy_texts ), 'the shop is offered a sentence for its privacy page' );
