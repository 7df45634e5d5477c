//! Tests of image_config.
