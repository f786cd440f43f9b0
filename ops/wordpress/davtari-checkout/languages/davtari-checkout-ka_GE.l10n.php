<?php
/**
 * Georgian texts, in the form that WordPress 6.5 and later reads without a build step.
 *
 * @package Davtari\Checkout
 */

return array(
	'domain' => 'davtari-checkout',
	'language' => 'ka_GE',
	'messages' => array(
		'Personal ID' => 'პირადი ნომერი',
		'Company ID' => 'საიდენტიფიკაციო კოდი',
		'%1$s: enter exactly %2$d digits.' => '%1$s: შეიყვანეთ ზუსტად %2$d ციფრი.',
		'Buyer numbers at the checkout' => 'მყიდველის ნომრები შეკვეთის გაფორმებისას',
		'The number is kept in the order only, and Davtari hands it to Balance.' => 'ნომერი ინახება მხოლოდ შეკვეთაში და Davtari გადასცემს მას ბალანსს.',
		'Off' => 'გამორთული',
		'Optional' => 'არასავალდებულო',
		'Required' => 'სავალდებულო',
		'If you give your personal ID or company ID at the checkout, we keep it with your order and use it to name you in our accounting documents.' => 'თუ შეკვეთის გაფორმებისას მიუთითებთ პირად ნომერს ან საიდენტიფიკაციო კოდს, მას შეკვეთასთან ერთად ვინახავთ და ვიყენებთ ბუღალტრულ დოკუმენტებში თქვენს მისათითებლად.',
	),
);
