/* prove.pml - who may write: PROVE, PROVED and the trailers of docs/PROTOCOL.md §3.8 and §5.6, for
 * spin.
 *
 * A board with a key, a host with the same key that runs twice, and between them somebody without it
 * who owns the line: every frame that either sends goes to him, and he hands over what he likes, as
 * often and in whatever order he likes, and opens sessions of his own. What he cannot do is make
 * a code for words that nobody with the key has made one for. The board restarts RESTARTS times.
 *
 * A code is modelled by what it is made over. The terms of host run k are the session number k + 1
 * that it chose, the nonce of the board that it was told (by anybody), and its own nonce, which
 * is k too: no other run has either.
 *
 * Claims: the board takes for proven only a host that made the proof, for this session and this nonce
 * of the board; it carries each operation out at most once, in order, and only in the session for
 * which it was sealed; the host seals nothing before the board has answered with the same terms.
 * The defines BREAK_… take one safeguard away each: spin must then find what it is for.
 */
#ifndef RESTARTS
#define RESTARTS 1
#endif
#define RUNS   2
#define OPS    2 /* of each run */
#define NONCES 5

#ifdef BREAK_TERMS
#define TERMS(k) true
#else
#define TERMS(k) (with == k)
#endif
#ifdef BREAK_NUMBER
#define PLACE(n) true
#else
#define PLACE(n) (n == place)
#endif

/* What he has heard; it is never unheard. */
bool heard_proof[RUNS], heard_board_proof[RUNS];
byte heard_ops[RUNS]; /* operations sealed, from the first */

/* the host's runs */
byte told[RUNS];   /* the board's nonce, as it was told */
bool agreed[RUNS]; /* the board has made its proof for these terms; for the claims */

/* the board's */
byte session = 0, nonce = 0, next_nonce = 1, place = 0;
bool proven = false;
byte with = 0; /* whose proof it was */
byte restarts = RESTARTS;
byte carried[RUNS * OPS];

inline open(number)
{
	session = number;
	proven = false;
	place = 0;
	nonce = next_nonce;
	if
	:: next_nonce < NONCES -> next_nonce++
	:: else
	fi
}

active proctype host()
{
	byte k = 0, n;
	do
	:: k < RUNS ->
		/* WELCOME comes from anybody: any nonce that there was, or will be. */
		select(n : 0 .. NONCES);
		atomic {
			told[k] = n;
			heard_proof[k] = true
		}
		if
#ifdef BREAK_BOARD
		:: true
#else
		:: heard_board_proof[k]
#endif
		:: goto gone /* it waits in vain, and is given up */
		fi;
		do
		:: heard_ops[k] < OPS ->
			atomic {
				assert(agreed[k]);
				heard_ops[k]++
			}
		:: break
		od;
gone:
		k++
	:: else -> break
	od
}

/* The board, and he who decides what reaches it. */
active proctype board()
{
	byte k, n;
end:
	do
	:: atomic { /* HELLO, the host's or his */
		next_nonce < NONCES;
		select(k : 0 .. RUNS - 1);
		if
		:: session != k + 1 -> open(k + 1)
		:: else
		fi }
	:: atomic { /* PROVE */
		select(k : 0 .. RUNS - 1);
		if
#ifdef BREAK_PROOF
		:: session == k + 1 && !proven ->
#else
		:: heard_proof[k] && session == k + 1 && told[k] == nonce && !proven ->
#endif
			assert(heard_proof[k] && told[k] == nonce);
			proven = true;
			with = k;
			agreed[k] = true;
			heard_board_proof[k] = true
		:: else
		fi }
	:: atomic { /* an operation, with the trailer that was made for it */
		select(k : 0 .. RUNS - 1);
		select(n : 0 .. OPS - 1);
		if
		:: proven && n < heard_ops[k] && TERMS(k) && PLACE(n) ->
			assert(session == k + 1 && n == place && carried[k * OPS + n] == 0);
			carried[k * OPS + n]++;
			place++
		:: else
		fi }
	:: atomic { /* it restarts, and knows nothing; its seed is another one */
		restarts > 0;
		restarts--;
		session = 0;
		proven = false;
		place = 0;
#ifdef BREAK_NONCE
		next_nonce = 1
#endif
	}
	od
}
