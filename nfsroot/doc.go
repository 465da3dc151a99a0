// Package nfsroot keeps the directory of node roots that diskless nodes boot
// from: it makes roots of images, switches the symlink current and goes back, and
// removes what no node holds. What layers are made of, package unpack knows: it makes
// the trees, and compares them with their images and with each other.
//
// A store is laid out as follows:
//
//	<dir>/current -> <tag>        relative symlink, replaced by rename
//	<dir>/<tag>/                  one root, exactly the image's tree
//	<dir>/.rootbuild/             0700, for rootbuild alone
//	    version                   version of this layout
//	    lock                      held by the one process that may change the store
//	    roots/<tag>.json          what is known of a root beside its tree
//	    roots/<tag>.inventory.zst  its image's layers, and where they are listed
//	    roots/<tag>.listings      the layers and the tree, without the content of files
//	    switches.jsonl            every switch of current and of groups, oldest first
//	    entries.json              where boot entries are written, and groups of nodes
//	    renewals                  files that lost names when roots were deleted
//	    staging/                  what is being made; swept by Open
//	    trash/<tag>@<time>/       removed roots, until their grace is over
//
// Four orders make a kill harmless at any point. A record is durable before
// its root's directory appears, so a directory without a record is never
// ours, and a record without a directory is one that Open may sweep. A
// switch is in the journal before current is replaced, so the journal may tell
// of a switch that did not happen, but never misses one; the "from" of the
// next line tells which. Boot entries follow current: they are written beside before
// the journal's line, and shown after current was replaced. What they have to be
// follows from the store, so Open mends what a kill left between the two. A root is renamed into the trash before its record
// goes, so what is among the roots is whole.
package nfsroot
