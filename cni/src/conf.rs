//! CNI network configurations: the files of a directory, as types.
