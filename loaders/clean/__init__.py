"""What is done to a document between loading and splitting."""
