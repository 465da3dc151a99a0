// Package boot starts a node root and says whether it works: in a virtual
// machine that mounts it read-only by NFS and runs the target's checks, or in
// a container that a person looks around in.
//
// A check leaves the root as it was: the server exports it read-only.
package boot
