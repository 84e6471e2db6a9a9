package aggregator

// Counters of activity and surveys. Everything that a figure of day d is made of
// stands in row d: a difference between two rows would be wrong for a segment
// into which customers have moved since the earlier one was frozen.
const (
	UsersActive28 Counter = 40 // users active in the 28 days ending on the day

	// Calendar periods, to date: a level from the user's first active day of the
	// period to the period's end.
	UsersActiveQuarter Counter = 41

	NewDay       Counter = 42 // users whose first activity ever is on the day
	ReturningDay Counter = 43 // active on the day and on the one before
	WasDay       Counter = 44 // active on the day before

	NewWeek          Counter = 45 // first activity ever is in the week; active in it to date: one of the three
	ReturningWeek    Counter = 46 // active in the week before, too
	ResurrectingWeek Counter = 47 // not in the week before, but earlier
	WasWeek          Counter = 48 // active in the week before

	NewMonth       Counter = 49
	ReturningMonth Counter = 50
	WasMonth       Counter = 51

	// By least number of active days N, "1" to "31".
	DaysAtLeast30    Counter = 52 // in the 30 days ending on the day
	DaysAtLeastMonth Counter = 53 // in the calendar month to date

	// By the number of periods since that of the user's first activity, "0" on.
	CohortWeek  Counter = 54 // users active in the week to date
	CohortMonth Counter = 55

	// Standing on the first day of a cohort's period, by the number of periods
	// to that of the last activity.
	CohortWeekLast  Counter = 56
	CohortMonthLast Counter = 57

	// Standing on the day of a user's last activity, by its last hour, "0" to "24".
	LastHour Counter = 58

	// Standing, by the days from a customer's first event to its first value
	// event: "0" to "365", "more", "never".
	TimeToValue Counter = 59

	CESEasy30    Counter = 60
	CESAnswers30 Counter = 61
	CESEasy90    Counter = 62
	CESAnswers90 Counter = 63

	// By question.
	CLISum30     Counter = 64 // scores on 1–10, in whole millionths
	CLIAnswers30 Counter = 65
	CLISum90     Counter = 66
	CLIAnswers90 Counter = 67

	CSATInvited30 Counter = 68 // latest invitations to a CSAT survey
	CSATInvited90 Counter = 69

	// By width of the scale and question, RestLabel: what CLISum leaves out, in
	// 1/width of a millionth.
	CLIRest30 Counter = 70
	CLIRest90 Counter = 71
)

var activityTraits = map[Counter]trait{
	UsersActive28: {name: "UsersActive28"}, UsersActiveQuarter: {name: "UsersActiveQuarter"},
	NewDay: {name: "NewDay"}, ReturningDay: {name: "ReturningDay"}, WasDay: {name: "WasDay"},
	NewWeek: {name: "NewWeek"}, ReturningWeek: {name: "ReturningWeek"}, ResurrectingWeek: {name: "ResurrectingWeek"}, WasWeek: {name: "WasWeek"},
	NewMonth: {name: "NewMonth"}, ReturningMonth: {name: "ReturningMonth"}, WasMonth: {name: "WasMonth"},
	DaysAtLeast30: {name: "DaysAtLeast30", labelled: true, whole: true}, DaysAtLeastMonth: {name: "DaysAtLeastMonth", labelled: true},
	CohortWeek: {name: "CohortWeek", labelled: true, cohort: true}, CohortMonth: {name: "CohortMonth", labelled: true, cohort: true},
	CohortWeekLast:  {name: "CohortWeekLast", labelled: true, cohort: true, standing: true, onDay: true},
	CohortMonthLast: {name: "CohortMonthLast", labelled: true, cohort: true, standing: true, onDay: true},
	LastHour:        {name: "LastHour", labelled: true, standing: true, onDay: true},
	TimeToValue:     {name: "TimeToValue", labelled: true, standing: true},
	CESEasy30:       {name: "CESEasy30"}, CESAnswers30: {name: "CESAnswers30"}, CESEasy90: {name: "CESEasy90"}, CESAnswers90: {name: "CESAnswers90"},
	CLISum30: {name: "CLISum30", labelled: true}, CLIAnswers30: {name: "CLIAnswers30", labelled: true},
	CLISum90: {name: "CLISum90", labelled: true}, CLIAnswers90: {name: "CLIAnswers90", labelled: true},
	CLIRest30: {name: "CLIRest30", labelled: true}, CLIRest90: {name: "CLIRest90", labelled: true},
	CSATInvited30: {name: "CSATInvited30"}, CSATInvited90: {name: "CSATInvited90"},
}
