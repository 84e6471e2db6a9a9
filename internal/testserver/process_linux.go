package testserver

import "syscall"

// childAttr puts a server into a group of its own, so that Ctrl-C on a terminal
// reaches us first, and has the kernel kill it when we end.
func childAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

func reaperAttr() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }
