// Package unpack makes a directory of an image's layers, and tells afterwards
// whether the directory is still that, and how two of them differ.
//
// It works on the directories and files that it is given. What it makes of an image
// is the tree, the listings of layers and tree, and an inventory that says where in
// the listings they are. A caller keeps the three, as a [Root]: with them a later
// image takes the layers that it shares from the tree, and [Check] and [Compare] need
// no image.
//
// Layers are not believed. The tests of that unpack through package nfsroot, to see
// what surrounds a root as well.
package unpack
