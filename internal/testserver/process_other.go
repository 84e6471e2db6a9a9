//go:build !linux

package testserver

import "syscall"

// childAttr: only Linux kills a child with its parent; elsewhere a server
// outlives a driver that is killed.
func childAttr() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

func reaperAttr() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }
