"""The Sale itself: lines, rounding, VAT, rates, document, delivery."""
