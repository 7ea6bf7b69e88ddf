package main

import (
	"slices"
	"syscall"
	"time"
	"unsafe"
)

// meter measures one phase: its time, and everybody's CPU.
type meter struct {
	bench *bench
	begun int64
	used  []float64
	own   float64
}

func (b *bench) measure() *meter {
	b.loop.records = 0
	return &meter{b, now(), b.used(), own()}
}

// stop tells seconds, CPU seconds of each process, and ours.
func (m *meter) stop(a answer) answer {
	a["seconds"] = float64(now()-m.begun) / 1e9
	used := m.bench.used()
	for i := range used {
		used[i] -= m.used[i]
	}
	a["cpu"], a["own_cpu"] = used, own()-m.own
	a["records"] = m.bench.loop.records
	return a
}

// used are the CPU seconds of the target's processes, of all threads, also those that ended.
func (b *bench) used() []float64 {
	found := make([]float64, len(b.target.Processes))
	for i, pid := range b.target.Processes {
		var spent syscall.Timespec
		// The clock that clock_getcpuclockid(3) names.
		clock := uintptr(^pid<<3 | 2)
		at := uintptr(unsafe.Pointer(&spent))
		_, _, _ = syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, clock, at, 0)
		found[i] = float64(spent.Nano()) / 1e9
	}
	return found
}

// rest waits until the target's processes have stopped working, for three seconds at most.
func (b *bench) rest() {
	end := now() + 3*int64(time.Second)
	before := b.used()
	for quiet := 0; quiet < 2 && now() < end; quiet++ {
		time.Sleep(50 * time.Millisecond)
		after, spent := b.used(), 0.0
		for i := range after {
			spent += after[i] - before[i]
		}
		if spent > 0.005 {
			quiet = -1
		}
		before = after
	}
}

func own() float64 {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e9
}

// spread tells p50, p99 and the largest, in milliseconds.
func spread(a answer, name string, taken []int64) {
	if len(taken) == 0 {
		return
	}
	slices.Sort(taken)
	at := func(share float64) float64 {
		return float64(taken[int(share*float64(len(taken)-1)+0.5)]) / 1e6
	}
	a[name] = map[string]float64{"p50": at(0.5), "p99": at(0.99), "max": at(1)}
}
