"""WooCommerce's REST API: `client.WooCommerce` is the way in; orders and refunds become facts in `order` and `refund`."""
