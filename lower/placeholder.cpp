// Placeholder so that the tree configures; replaced by the first real source.
