package endtoend

import "syscall"

// childAttr has the kernel kill a worker when we end, however we end.
func childAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
