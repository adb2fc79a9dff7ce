package dbusctl

import "fmt"

// because words why a job ended badly: systemd's job results are bare strings, and "exit-code"
// stands for everything from a missing user to a broken import.
func because(verb, result string, u Unit) string {
	if verb == "reload" && result == "failed" && u.ActiveState == "active" {
		return "its new code or settings were not taken; it goes on with the old"
	}
	switch result {
	case "timeout":
		return "it took longer than its time limit"
	case "dependency":
		return "a unit it needs did not start (systemctl list-dependencies " + u.Name + ")"
	case "canceled":
		return "another job for it came in between"
	case "failed":
		return failure(u)
	}
	return "its job ended with " + result
}

// failure words the Result of a service (systemd.service(5), D-Bus property Result).
func failure(u Unit) string {
	switch u.Result {
	case "exit-code":
		return exitReason(u)
	case "signal", "core-dump":
		return fmt.Sprintf("its process was killed by signal %d (%s)", u.ExitStatus, signalName(u.ExitStatus))
	case "timeout":
		return "it was not ready within its time limit"
	case "oom-kill":
		return "the kernel killed it: it used more memory than it may"
	case "watchdog":
		return "it did not answer its watchdog"
	case "protocol":
		return "it ended without saying that it is ready"
	case "resources":
		return "systemd could not get it the resources it needs (user, group, directory, environment file?)"
	case "start-limit-hit", "service-start-limit-hit":
		return "it failed too often in too short a time"
	case "trigger-limit-hit":
		return "it was activated too often in too short a time"
	case "", "success":
		if u.LoadError != "" {
			return "its unit file is wrong: " + u.LoadError
		}
		return "it ended while starting"
	}
	return "its result is " + u.Result
}

// exitReason words an exit status. 200 and above are systemd's own, from before the program ran
// (systemd.exec(5), "Process Exit Codes").
func exitReason(u Unit) string {
	if reason, ok := spawnFailures[u.ExitStatus]; ok {
		return fmt.Sprintf("%s (status %d)", reason, u.ExitStatus)
	}
	if u.ExitStatus == 0 {
		return "what has to be done before it starts failed"
	}
	if u.ExitStatus == 3 {
		return "the application could not be loaded (gunicorn ended with status 3)"
	}
	return fmt.Sprintf("its process ended with status %d", u.ExitStatus)
}

var spawnFailures = map[int32]string{
	200: "its working directory cannot be entered",
	203: "its program cannot be executed",
	205: "a limit cannot be set",
	209: "its standard output cannot be set up",
	214: "its scheduling cannot be set up",
	216: "its group does not exist",
	217: "its user does not exist",
	218: "its capabilities cannot be set",
	219: "its control group cannot be set up",
	226: "its sandbox cannot be set up: a directory of the project is missing or unreachable",
	228: "its system call filter cannot be installed",
	233: "its runtime directory cannot be made",
	238: "its state directory cannot be made",
	243: "its credentials cannot be set up: a file of `credentials` is missing or unreadable",
}
