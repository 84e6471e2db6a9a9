package aggregator

// activity: distinct users and customers active in 1, 7 and 30 days.
//
// "Active in the N days ending on day e" is the set of active days smeared over
// N days. In a row of changes one smear is two cells, +1 where it begins and -1
// after it ends, and a day that is added to the set newly covers the days that
// neither the active day before nor the one after it covers.

// activeWindow is a number of days and the counter of those active in them.
type activeWindow struct {
	days int32
	slot int
}

var userWindows = [...]activeWindow{{1, int(UsersActive1)}, {7, int(UsersActive7)}, {28, int(UsersActive28)}, {30, int(UsersActive30)}}

var customerWindows = [...]activeWindow{{1, int(CustomersActive1)}, {7, int(CustomersActive7)}, {30, int(CustomersActive30)}}

// contributeDays is what a set of active days contributes to counters of
// distinct users or customers, from the beginning of the look-back.
func (e *emitter) contributeDays(s *dayset, from int32, windows []activeWindow) {
	for i := range windows {
		n, slot := windows[i].days, windows[i].slot
		for d := s.next(from - 1); d != farFuture; {
			end := d + n
			next := s.next(d)
			for next < end {
				end, next = next+n, s.next(next)
			}
			e.level(slot, d, end, 1)
			d = next
		}
	}
}

// contributeUser is the contribution of a user's record.
func (e *emitter) contributeUser(u *user, from int32) {
	e.contributeDays(&u.days, from, userWindows[:])
	for d := u.days.next(from - 1); d != farFuture; d = u.days.next(d) {
		e.level(int(UserDays30), d, d+30, 1)
	}
	if u.first != noDay {
		e.standing(UsersEver, 1)
		e.contributeHour(u)
	}
	e.contributeLifecycle(u, from)
	e.contributeHistograms(&u.days, from)
	e.contributeCohorts(&u.days, u.first, from)
	e.contributeAnswers(u.surveyed())
}

// addDay is the change that a new day of a set makes to the counters of its
// windows: the days that only the new one covers. The day is in the set already.
func (e *emitter) addDay(s *dayset, d int32, windows []activeWindow) {
	p, q := s.prev(d), s.next(d)
	for i := range windows {
		n := windows[i].days
		e.level(windows[i].slot, max(d, p+n), min(d+n, q), 1)
	}
}

// addUserDay is the change that a new active day of a user makes, in the set and
// in first already. ever is the first active day before it came, noDay for none;
// last and hours are the latest one, and its hours, before it came.
func (e *emitter) addUserDay(segs []int32, u *user, d, ever, last int32, hours uint32, from int32) {
	if d > last {
		e.countUser(segs, u, d, ever, last, hours)
		e.countCohorts(segs, d, ever, last)
		e.addLastToL30(&u.days, d)
		return
	}
	e.addDay(&u.days, d, userWindows[:])
	e.level(int(UserDays30), d, d+30, 1)
	e.addLifecycle(&u.days, d, ever)
	e.addToHistograms(&u.days, d)
	if d > ever {
		e.addToCohorts(&u.days, ever, d)
	} else {
		e.rebaseCohorts(&u.days, ever, d, from)
	}
}
