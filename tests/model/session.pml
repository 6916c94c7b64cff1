/* session.pml - the session of docs/PROTOCOL.md and the set of docs/JOURNAL.md, for spin.
 *
 * One board, one host that programs one sector: it marks the set incomplete, erases,
 * programs, digests, and marks the set complete when the digest is right. The pipe
 * keeps order and holds a few frames; FAULTS frames are lost (a damaged one is a lost
 * one, its receiver drops it) or come twice. The board restarts RESTARTS times, also in
 * the middle of an erase or a program, which it leaves torn; the host is killed KILLS
 * times and runs again. A STATE names what has arrived and what is done; an answer
 * is not kept, who misses it asks anew.
 *
 * Claims: the host never reports success over a flash that is not right; whatever
 * starts is the old image, untouched, or the new one, whole; with faults that end the
 * host ends with success (no other end state is valid, and no cycle makes no progress).
 *
 * Left out: credit, frame numbers (a host may send again what is not acknowledged at any
 * time, more than a real one does), several memories, stopping on a failure: a program
 * that went wrong BAD times is noticed by the digest here.
 * The defines BREAK_… take one safeguard away each: spin must then find what it is for.
 */
#ifndef FAULTS
#define FAULTS 2
#endif
#ifndef RESTARTS
#define RESTARTS 1
#endif
#ifndef KILLS
#define KILLS 1
#endif
#ifndef BAD
#define BAD 0
#endif
#ifndef HURRY
#define HURRY 1
#endif

mtype = { HELLO, DATA, QUERY, WELCOME, STATE, ANSWER, ENDED };
mtype = { OLD, TORN, BLANK, NEW };
mtype = { NOTHING, MARK, ERASE, PROGRAM, DIGEST, SETTLE };

#define MOST 7 /* operations of a session: two digests may have to be asked for again */

/* kind, tag, then: DATA offset and operation, STATE received and done, ANSWER
 * operation and whether the flash is right, ENDED the tag that is open */
chan out = [2] of { mtype, byte, byte, mtype };
chan in = [2] of { mtype, byte, byte, byte };

mtype flash = OLD;
bool complete = true; /* the set in the journal; durable, as the flash is */
bool success = false;
byte tags = 0; /* every session has a number of its own */
byte faults = FAULTS;
byte restarts = RESTARTS;
byte kills = KILLS;
byte hurry = HURRY;
byte bad = BAD;

/* the board's */
byte opened = 0, received = 0, done = 0;
mtype queue[MOST];
mtype doing = NOTHING; /* the chip is at it */
bool orphan = false;   /* for a session that is gone */
#ifdef BREAK_ORPHAN
mtype late = NOTHING; /* the chip is at it and nobody knows */
#endif

#define startable (!complete || flash == OLD || flash == NEW)
#define free      (opened != 0 && done < received && doing == NOTHING)
#define idle      (doing == NOTHING && (opened == 0 || done == received))
#define quiet     (empty(in) && empty(out) && idle)

#ifdef BREAK_UNMARKED
#define marked true
#else
#define marked (!complete)
#endif

/* --- the pipe: what is put in may vanish, or come twice ------------------------- */

inline to_board(kind, tag, a, b)
{
	if
	:: out!kind(tag, a, b)
	:: full(out) /* it will be sent when there is room: a host always listens */
	:: atomic { faults > 0 -> faults-- }
	:: atomic { faults > 0 && len(out) == 0 -> faults--; out!kind(tag, a, b) };
		out!kind(tag, a, b)
	fi
}

inline to_host(kind, tag, a, b)
{
	if
	:: in!kind(tag, a, b)
	:: atomic { faults > 0 -> faults-- }
	:: atomic { faults > 0 -> faults-- };
		in!kind(tag, a, b);
		in!kind(tag, a, b)
	fi
}

/* --- the board -------------------------------------------------------------------- */

inline forget()
{
	d_step {
		received = 0;
		done = 0;
#ifdef BREAK_ORPHAN
		late = doing;
		doing = NOTHING;
#else
		if
		:: doing != NOTHING -> orphan = true
		:: else
		fi
#endif
	}
}

inline ended(result)
{
	d_step {
		flash = result;
		doing = NOTHING;
		if
		:: orphan -> orphan = false
		:: else -> done++
		fi;
		assert(startable)
	}
}

inline take(kind, tag, at, what)
{
	if
	:: kind == HELLO ->
		if
		:: opened != tag -> atomic { opened = tag; forget() }
		:: else
		fi;
		to_host(WELCOME, tag, 0, 0)
	:: kind != HELLO && tag != opened ->
		to_host(ENDED, tag, opened, 0)
	:: else ->
		d_step {
			if
#ifdef BREAK_OFFSET
			:: kind == DATA && received < MOST ->
				queue[received] = what;
				received++
#else
			:: kind == DATA && at == received && at < MOST ->
				queue[at] = what;
				received++
#endif
			:: else
			fi
		};
		to_host(STATE, opened, received, done)
	fi
}

active proctype board()
{
	byte tag, at, right;
	mtype what, kind;

end:
	do
	/* the supply fails: what the chip was at stays torn */
	:: atomic { restarts > 0 ->
		restarts--; opened = 0; received = 0; done = 0; doing = NOTHING; orphan = false;
		at = 0;
		do
		:: at < MOST -> queue[at] = 0; at++
		:: else -> at = 0; break
		od }

	:: out?kind(tag, at, what) ->
		take(kind, tag, at, what);
		d_step { tag = 0; at = 0; kind = 0; what = 0 } /* fewer states */

	/* the operation that is next, in order; erase and program take their time */
#ifdef BREAK_ORPHAN
	:: atomic { late == ERASE -> flash = BLANK; late = NOTHING; assert(startable) }
#endif
	:: atomic { free && queue[done] == NOTHING -> done++ }
	:: atomic { free && queue[done] == MARK -> complete = false; done++ }
	:: atomic { free && queue[done] == ERASE && marked ->
		doing = ERASE; flash = TORN; assert(startable) }
	:: atomic { doing == ERASE -> ended(BLANK) }
	:: atomic { free && queue[done] == PROGRAM && marked && flash == BLANK ->
		doing = PROGRAM; flash = TORN; assert(startable) }
	:: atomic { free && queue[done] == PROGRAM && marked && flash != BLANK ->
		flash = TORN; done++; assert(startable) } /* bits that cannot be set */
	:: atomic { doing == PROGRAM -> ended(NEW) }
	:: atomic { doing == PROGRAM && bad > 0 -> bad--; ended(TORN) } /* a weak cell */
	:: free && queue[done] == DIGEST ->
		right = (flash == NEW -> 1 : 0);
		to_host(ANSWER, opened, done, right);
		done++;
		to_host(STATE, opened, received, done);
		right = 0
	:: atomic { free && queue[done] == SETTLE -> complete = true; done++; assert(startable) }
	od
}

/* --- the host --------------------------------------------------------------------- */

/* Sends an operation that is not acknowledged, or asks. */
inline move()
{
	if
	:: full(out)
	:: acknowledged < submitted && nfull(out) ->
		to_board(DATA, mine, acknowledged, plan[acknowledged]);
		if
		:: acknowledged + 1 < submitted ->
			to_board(DATA, mine, acknowledged + 1, plan[acknowledged + 1])
		:: true
		fi
	:: acknowledged == submitted && nfull(out) ->
		to_board(QUERY, mine, 0, NOTHING)
	fi
}

inline nudge()
{
	if
	:: !open -> to_board(HELLO, mine, 0, NOTHING)
	:: open -> move()
	fi
}

inline begin()
{
	d_step {
		tags++;
		mine = tags; open = false; right = false;
		acknowledged = 0; finished = 0; asked = 3; submitted = 4;
#ifdef BREAK_MARK
		plan[0] = NOTHING;
#else
		plan[0] = MARK;
#endif
		plan[1] = ERASE; plan[2] = PROGRAM; plan[3] = DIGEST
	};
	to_board(HELLO, mine, 0, NOTHING)
}

inline learn(first, second)
{
	d_step {
		if
		:: first > acknowledged -> acknowledged = first
		:: else
		fi;
		if
		:: second > finished -> finished = second
		:: else
		fi
	}
}

inline submit(operation)
{
	d_step { plan[submitted] = operation; submitted++ }
}

active proctype host()
{
	byte mine = 0, acknowledged = 0, finished = 0, submitted = 0, asked = 0;
	byte tag, first, second;
	bool open = false, right = false;
	mtype kind;
	mtype plan[MOST];

again:
	tag = 0;
	begin();
	do
	:: success -> break
	:: kills > 0 -> kills--; goto again

	:: in?kind(tag, first, second) ->
		if
		:: kind == ENDED && tag == mine && open -> goto again
		:: kind == WELCOME && tag == mine && !open -> open = true; move()
#ifdef BREAK_TAG
		:: kind == ANSWER && first == asked ->
#else
		:: kind == ANSWER && tag == mine && first == asked ->
#endif
			if
#ifdef BREAK_READ
			:: !right -> right = true; submit(SETTLE); move()
			:: right
#else
			:: second == 1 && !right -> right = true; submit(SETTLE); move()
			:: second == 1 && right
			:: second == 0 -> goto again /* it is not what was sent: all anew */
#endif
			fi
		:: kind == STATE && tag == mine && open ->
			learn(first, second);
			if
			:: right && finished == submitted ->
				success = true;
				assert(flash == NEW && complete)
			/* done, but the answer is not here: it was lost */
			:: !right && finished == submitted && submitted < MOST - 1 ->
				asked = submitted;
				submit(DIGEST);
				move()
			:: !right && finished == submitted && submitted == MOST - 1 -> goto again
			:: finished < submitted && acknowledged < submitted -> move()
			:: else
			fi
		:: else
		fi;
		d_step { tag = 0; first = 0; second = 0; kind = 0 }

	/* nothing comes any more; or a host in a hurry thinks so */
	:: !success && quiet -> nudge()
	:: !success && hurry > 0 -> hurry--; nudge()
	od;
end:
	do
	:: in?_(_, _, _) /* nobody listens any more */
	od
}
