"""WooCommerce's REST API: `client.WooCommerce` is the way in; `order` and `refund` turn its records into facts."""
