<?php
require dirname( __DIR__ ) . '/shop.php';

/** What the buyer is told, and what the order then holds. */
function bought( array $posted, ?WC_Order $order = null ): array {
	$order = $order ?? new WC_Order();
	$told  = classic_checkout( $order, $posted );
	return array( $told, $order->meta );
}

shop( 'optional', 'optional' );
$ids = array( 'davtari_personal_id' => ' 990-1234 5678 ', 'davtari_company_id' => "999\u{00A0}123456" );
same(
	array( array(), array( '_billing_personal_id' => '99012345678', '_billing_company_code' => '999123456' ) ),
	bought( $ids ),
	'numbers are kept without spaces and hyphens'
);
same( array( array(), array() ), bought( array() ), 'an optional number may be left out' );

$wrong = array( '9901234567', '990123456789', '9901234567x', '٩٩٠١٢٣٤٥٦٧٨', "9901234567\0" );
foreach ( $wrong as $number ) {
	same(
		array( array( 'Personal ID: enter exactly 11 digits.' ), array() ),
		bought( array( 'davtari_personal_id' => $number ) ),
		'refused: ' . json_encode( $number )
	);
}
same( 'Company ID: enter exactly 9 digits.', bought( array( 'davtari_company_id' => '99012345678' ) )[0][0], 'a company has nine digits' );
same( array( array(), array() ), bought( array( 'davtari_personal_id' => array( '99012345678' ) ) ), 'a list is no number' );

$order       = new WC_Order();
$order->meta = array( '_billing_personal_id' => '99012345678' );
same( array( array(), array() ), bought( array(), $order ), 'a buyer who returns and empties the field is obeyed' );

shop( 'required' );
same( array( array( 'Personal ID is a required field.' ), array() ), bought( array() ), 'a required number is asked for once' );
same( 'Personal ID: enter exactly 11 digits.', bought( array( 'davtari_personal_id' => ' - ' ) )[0][0], 'a hyphen is no answer' );
same(
	array( array(), array( '_billing_personal_id' => '01012345678' ) ),
	bought( $ids = array( 'davtari_personal_id' => '01012345678', 'davtari_company_id' => '999123456' ) ),
	'a leading zero stays; a field that is off keeps nothing'
);
