package nfsroot

// What a test of one machine cannot mount.
var CheckLockOptions = checkLockOptions
