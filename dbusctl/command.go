package dbusctl

import (
	"context"
	"fmt"
)

// FailedCommand is the command line of a service, of several ExecStart= perhaps, that ended badly,
// and how it did, in words. It is empty when none did.
func (s *Systemd) FailedCommand(ctx context.Context, unit string) (command []string, how string, err error) {
	property, err := s.conn.GetUnitTypePropertyContext(ctx, unit, "Service", "ExecStart")
	if err != nil {
		return nil, "", fmt.Errorf("cannot ask systemd what %s has run: %s", unit, busReason(err))
	}
	list, _ := property.Value.Value().([][]any)
	command, how = failedCommand(list)
	return command, how, nil
}

// How a process ended, as waitid(2) has it in si_code.
const (
	exited = 1
	killed = 2
	dumped = 3
)

// endReason words an exit status; 200 and above are systemd's own.
func endReason(status int32) string {
	if reason, ok := spawnFailures[status]; ok {
		return fmt.Sprintf("did not start: %s (status %d)", reason, status)
	}
	return fmt.Sprintf("ended with status %d", status)
}

// failedCommand reads the ExecStart property: path, arguments, flag, four times, pid, code, status.
func failedCommand(list [][]any) ([]string, string) {
	for _, entry := range list {
		if len(entry) != 10 {
			continue
		}
		arguments, _ := entry[1].([]string)
		code, _ := entry[8].(int32)
		status, _ := entry[9].(int32)
		switch {
		case code == exited && status != 0:
			return arguments, endReason(status)
		case code == killed || code == dumped:
			return arguments, fmt.Sprintf("was killed by signal %d (%s)", status, signalName(status))
		}
	}
	return nil, ""
}
