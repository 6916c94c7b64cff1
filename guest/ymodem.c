/* ymodem.c - the receiver of YMODEM: blocks in, answers out. What is in them goes to load.c.
 * While a block's bytes are still being written the sender waits for its answer, so nothing
 * has to be kept but the block.
 */
#include <string.h>

#include <vcpflash/ymodem.h>

enum { SOH = 0x01, STX = 0x02, EOT = 0x04, ACK = 0x06, NAK = 0x15, CAN = 0x18, CTRL_C = 0x03 };

enum {
	INVITE_US = 3000000, /* from one call to the next */
	INVITES = 20,
	CRC_INVITES = 6,     /* before checksums are asked for */
	BLOCK_US = 10000000, /* for a block to begin, before it is asked for again */
	BYTE_US = 1000000,   /* from one byte of a block to the next */
	QUIET_US = 200000,   /* after what makes no sense, before it is asked for again */
	VERDICT_US = 500000, /* for the sender to leave the line */
	HASTE_US = 1000000,  /* nobody waits less for an answer before he says all again */
	TYPED_US = 500000,   /* of silence around a line that somebody types */
	LETTERS = 3,         /* of such a line at least */
	TRIES = 6,
	HEADER = 3,
};

enum { /* vf_ymodem.state */
       OFF,
       INVITING, /* a block 0 */
       WAITING,  /* for any other, or for what ends the file */
       HEARING,  /* a line was typed: for nothing to follow it */
       GATHERING,
       PURGING,
       STORING,
       FINISHING,
       LEAVING,
};

/* --- what is sent ---------------------------------------------------------------------------- */

static void wait_for(vf_ymodem *y, uint8_t state, uint32_t us)
{
	y->state = state;
	y->at = y->guest->now + us;
}

static void send(vf_ymodem *y, uint8_t byte)
{
	if ((uint8_t)(y->out_head - y->out_tail) < sizeof y->out)
		y->out[y->out_head++ % sizeof y->out] = byte;
	y->guest->moved = true;
}

static void invite(vf_ymodem *y)
{
	y->sums = y->tries >= CRC_INVITES && y->tries % 2 != 0;
	send(y, y->sums ? NAK : 'C');
	wait_for(y, INVITING, INVITE_US);
}

static void leave(vf_ymodem *y)
{
	wait_for(y, LEAVING, VERDICT_US);
}

/* The sender is told to stop, eight times as is usual, and no byte that it could take for
 * the answer to something else. */
static void cancel(vf_ymodem *y)
{
	for (unsigned i = 0; i < 8; i++)
		send(y, CAN);
	y->cancelled = true;
	leave(y);
}

static bool same(const vf_range *a, const vf_range *b)
{
	return a->offset == b->offset && a->len == b->len;
}

/* What broke off stays on the account until the same file has come; of two such, until the
 * board restarts. */
static void account(vf_ymodem *y, bool failed)
{
	const vf_range *mine = &y->load.writer.mine;
	if (failed && y->load.writer.marked) {
		y->several = y->several || (y->broken.len != 0 && !same(mine, &y->broken));
		y->broken = *mine;
	} else if (!failed && !y->several && same(mine, &y->broken)) {
		y->broken.len = 0;
	}
}

static void end_file(vf_ymodem *y)
{
	if (!y->file)
		return;
	vf_load_verdict(&y->load);
	account(y, vf_load_failed(&y->load));
	y->file = false;
	y->load.typed = false;
	y->files++;
	vf_guest_release(y->guest);
}

static void break_off(vf_ymodem *y)
{
	if (y->file)
		vf_load_break(&y->load);
	end_file(y);
}

/* Once more, unless that was said often enough. */
static void again(vf_ymodem *y)
{
	if (++y->tries >= (y->file ? TRIES : INVITES)) {
		break_off(y);
		cancel(y);
		return;
	}
	if (!y->file) {
		invite(y);
		return;
	}
	send(y, NAK);
	wait_for(y, WAITING, BLOCK_US);
}

/* --- blocks ---------------------------------------------------------------------------------- */

static uint16_t crc16(const uint8_t *bytes, uint32_t len)
{
	uint16_t crc = 0;
	for (uint32_t i = 0; i < len; i++) {
		crc = (uint16_t)(crc ^ bytes[i] << 8);
		for (unsigned k = 0; k < 8; k++)
			crc = (uint16_t)((crc & 0x8000) != 0 ? crc << 1 ^ 0x1021 : crc << 1);
	}
	return crc;
}

static uint32_t data_len(const vf_ymodem *y)
{
	return y->block[0] == STX ? VF_YMODEM_BLOCK : 128;
}

static bool sound(const vf_ymodem *y)
{
	const uint8_t *data = y->block + HEADER, *check = data + data_len(y);
	if (!y->sums)
		return crc16(data, data_len(y)) == (check[0] << 8 | check[1]);
	uint8_t sum = 0;
	for (uint32_t i = 0; i < data_len(y); i++)
		sum = (uint8_t)(sum + data[i]);
	return sum == check[0];
}

/* Decimal digits behind the name. */
static bool header_length(const uint8_t *text, const uint8_t *end, uint32_t *out)
{
	uint32_t n = 0;
	if (text == end || *text < '0' || *text > '9')
		return false;
	for (; text != end && *text >= '0' && *text <= '9'; text++) {
		n = n > (UINT32_MAX - 9) / 10 ? UINT32_MAX : n * 10 + (uint32_t)(*text - '0');
	}
	*out = n;
	return true;
}

/* The name without what a sender put before it; false where it is no name. Of one that is too
 * long the end is kept, since that tells kind and address. */
static bool header_name(const uint8_t *text, const uint8_t *end, char name[VF_YMODEM_NAME])
{
	const uint8_t *base = text, *s = text;
	for (; s != end && *s != '\0'; s++) {
		if (*s < 0x20 || *s == 0x7F)
			return false;
		if (*s == '/' || *s == '\\')
			base = s + 1;
	}
	if (s == end)
		return false;
	if (s - base >= VF_YMODEM_NAME)
		base = s - (VF_YMODEM_NAME - 1);
	memset(name, 0, VF_YMODEM_NAME);
	for (uint32_t i = 0; base != s; i++, base++)
		name[i] = *base < 0x80 ? (char)*base : '?';
	return true;
}

static void give_up_blind(vf_ymodem *y)
{
	y->state = OFF;
	vf_guest_deactivate(y->guest);
}

static void take_header(vf_ymodem *y)
{
	char name[VF_YMODEM_NAME];
	const uint8_t *data = y->block + HEADER, *end = data + data_len(y);
	uint32_t length = 0;
	if (!header_name(data, end, name)) {
		if (y->blind)
			give_up_blind(y);
		else
			cancel(y);
		return;
	}
	if (data[0] == '\0') { /* no more files */
		send(y, ACK);
		leave(y);
		return;
	}
	const uint8_t *rest = data + strlen((const char *)data) + 1;
	bool has_length = header_length(rest, end, &length);
	if (y->blind && !has_length) {
		give_up_blind(y);
		return;
	}
	y->blind = false;
	y->file = true;
	y->eot = false;
	y->next = 1;
	y->tries = 0;
	y->guest->held = true;
	y->header_at = y->guest->now;
	if (!vf_load_begin(&y->load, name, length, has_length)) {
		end_file(y);
		cancel(y);
		return;
	}
	send(y, ACK);
	send(y, y->sums ? NAK : 'C');
	wait_for(y, WAITING, BLOCK_US);
}

/* Its answer was lost. But a sender that finds several invitations sends block 0 for each, at
 * once; more than one answer would put it a block ahead for good. */
static void take_again(vf_ymodem *y, bool header)
{
	bool hasty = header && y->guest->now - y->header_at < HASTE_US;
	if (!hasty)
		send(y, ACK);
	if (!hasty && header)
		send(y, y->sums ? NAK : 'C');
	y->header_at = y->guest->now;
	wait_for(y, WAITING, BLOCK_US);
}

static void take_block(vf_ymodem *y)
{
	uint8_t number = y->block[1];
	if (!sound(y)) {
		if (y->blind)
			give_up_blind(y);
		else
			wait_for(y, PURGING, QUIET_US);
		return;
	}
	y->tries = 0;
	if (!y->file && number == 0) {
		take_header(y);
	} else if (y->file && number == (uint8_t)(y->next - 1)) {
		take_again(y, number == 0 && y->load.received == 0);
	} else if (!y->file || number != y->next) {
		break_off(y);
		cancel(y);
	} else {
		y->used = 0;
		y->impatient = false;
		y->state = STORING;
	}
}

static void gather(vf_ymodem *y, uint8_t first)
{
	y->block[0] = first;
	y->got = 1;
	y->spoilt = true;
	y->seen_at = y->guest->now;
	y->want = HEADER + data_len(y) + (y->sums ? 1 : 2);
	wait_for(y, GATHERING, BYTE_US);
}

/* Once its first three bytes make sense the rest of a block is ours. Before that it may be a
 * frame, which holds such bytes too. */
static size_t take(void *self, const uint8_t *bytes, size_t len)
{
	vf_ymodem *y = self;
	if (y->state != GATHERING || y->got < HEADER)
		return 0;
	if (len > y->want - y->got)
		len = y->want - y->got;
	memcpy(y->block + y->got, bytes, len);
	y->got += (uint32_t)len;
	y->at = y->guest->now + BYTE_US;
	if (y->got == y->want)
		take_block(y);
	return len;
}

static void gather_header(vf_ymodem *y, uint8_t byte)
{
	y->block[y->got++] = byte;
	y->at = y->guest->now + BYTE_US;
	if (y->got == HEADER && (y->block[1] ^ y->block[2]) != 0xFF)
		wait_for(y, PURGING, QUIET_US);
}

/* --- between blocks -------------------------------------------------------------------------- */

static void take_eot(vf_ymodem *y)
{
	if (!y->eot) { /* it may have been noise: who means it says it again */
		y->eot = true;
		send(y, NAK);
		wait_for(y, WAITING, BLOCK_US);
		return;
	}
	if (y->load.received != y->load.length)
		vf_load_break(&y->load);
	y->impatient = false;
	y->state = FINISHING;
}

static bool between(const vf_ymodem *y)
{
	return y->state == INVITING || y->state == WAITING || y->state == HEARING;
}

/* Who waits too long for an answer says all again, and in a block there may be anything. */
static bool gives_up(vf_ymodem *y, uint8_t byte)
{
	bool works = y->state == STORING || y->state == FINISHING;
	y->cans = (uint8_t)(byte == CAN ? y->cans + 1 : 0);
	y->impatient = works && (y->impatient || byte != CAN);
	return (y->cans >= 2 && !y->impatient) || (byte == CTRL_C && between(y));
}

/* A line that somebody types, since the sender has gone or never came: nothing but text, and
 * silence before it. True at its end. */
static bool typed(vf_ymodem *y, uint8_t byte)
{
	bool ends = byte == '\r' || byte == '\n', rubs = byte == '\b' || byte == 0x7F;
	if (y->spoilt && y->guest->now - y->seen_at >= TYPED_US) {
		y->spoilt = false;
		y->typed = 0;
	}
	y->seen_at = y->guest->now;
	if ((!ends && !rubs && (byte < 0x20 || byte > 0x7F)) || y->typed == VF_GUEST_LINE)
		y->spoilt = true;
	if (y->spoilt)
		return false;
	y->block[y->typed++] = byte;
	return ends && y->typed > LETTERS;
}

/* Between blocks. */
static void see_next(vf_ymodem *y, uint8_t byte)
{
	if (y->state == HEARING)
		wait_for(y, y->file ? WAITING : INVITING, y->file ? BLOCK_US : INVITE_US);
	if (byte == SOH || byte == STX) {
		gather(y, byte);
	} else if (byte == EOT && y->file) {
		take_eot(y);
	} else if (byte == EOT && y->files != 0) { /* the answer was lost */
		send(y, ACK);
		invite(y);
	} else if (typed(y, byte)) {
		wait_for(y, HEARING, TYPED_US);
	}
}

static void see(void *self, uint8_t byte)
{
	vf_ymodem *y = self;
	if (y->state == LEAVING) {
		wait_for(y, LEAVING, VERDICT_US);
		if (y->cancelled && byte == EOT) /* lrzsz says it until it is answered ten times */
			send(y, CAN);
	} else if (gives_up(y, byte)) {
		break_off(y);
		leave(y);
	} else if (y->state == GATHERING) {
		gather_header(y, byte);
	} else if (y->state == PURGING) {
		y->at = y->guest->now + QUIET_US;
	} else if (between(y)) {
		see_next(y, byte);
	}
}

static void begin(vf_ymodem *y)
{
	vf_load_forget(&y->load);
	y->blind = y->file = y->cancelled = y->spoilt = false;
	y->typed = 0;
	y->next = y->tries = y->cans = y->files = 0;
}

/* A block 0 that nobody asked for: 01 00 FF, or 02 00 FF. Not while the console's last command
 * is at work, whose answer it would take. */
static bool opens(void *self, uint8_t byte)
{
	vf_ymodem *y = self;
	bool first = byte == SOH || byte == STX;
	if (y->got == 2 && byte == 0xFF && y->guest->request.outcome == VF_GUEST_NOTHING) {
		begin(y);
		y->sums = false;
		y->blind = true;
		gather(y, y->block[0]);
		y->block[1] = 0;
		y->block[2] = 0xFF;
		y->got = HEADER;
		return true;
	}
	if (first)
		y->block[0] = byte;
	y->got = first ? 1 : y->got == 1 && byte == 0 ? 2 : 0;
	return false;
}

/* --- time ------------------------------------------------------------------------------------ */

static void store(vf_ymodem *y)
{
	uint32_t n = vf_load_put(&y->load, y->block + HEADER + y->used, data_len(y) - y->used);
	y->used += n;
	if (vf_load_failed(&y->load)) {
		end_file(y);
		cancel(y);
		return;
	}
	if (y->used < data_len(y) && y->load.received != y->load.length)
		return;
	y->next++;
	y->eot = false;
	send(y, ACK);
	wait_for(y, WAITING, BLOCK_US);
}

static void finish(vf_ymodem *y)
{
	if (vf_load_finish(&y->load) == VF_LOAD_WAIT)
		return;
	bool failed = vf_load_failed(&y->load);
	end_file(y);
	if (failed) {
		cancel(y);
		return;
	}
	send(y, ACK); /* of EOT */
	y->next = y->tries = 0;
	invite(y);
}

/* The sender has left: what there is to be said is said. */
static void part(vf_ymodem *y)
{
	vf_guest *g = y->guest;
	y->state = OFF;
	y->got = 0;
	g->held = false;
	if (y->files == 0)
		vf_guest_say(g, "no file came\r\n");
	vf_load_untold(&y->load);
	vf_guest_say(g, "> ");
	vf_guest_deactivate(g);
}

static void late(vf_ymodem *y)
{
	switch (y->state) {
	case INVITING:
		if (++y->tries < INVITES)
			invite(y);
		else
			leave(y);
		break;
	case GATHERING:
	case PURGING:
		if (y->blind)
			give_up_blind(y);
		else
			again(y);
		break;
	case WAITING:
		again(y);
		break;
	case HEARING:
		break_off(y);
		part(y);
		vf_guest_hear(y->guest, y->block, y->typed);
		break;
	default:
		part(y);
		break;
	}
}

static bool step(void *self, uint32_t now_us)
{
	vf_ymodem *y = self;
	if (y->state == STORING)
		store(y);
	else if (y->state == FINISHING)
		finish(y);
	else if (y->state != OFF && (int32_t)(now_us - y->at) >= 0)
		late(y);
	else
		return false;
	return y->guest->moved;
}

static bool deadline(const void *self, uint32_t *at_us)
{
	const vf_ymodem *y = self;
	*at_us = y->at;
	return y->state != OFF && y->state != STORING && y->state != FINISHING;
}

/* What the port has been given stays where it is until it says so. */
static const uint8_t *tx(void *self, size_t *len)
{
	vf_ymodem *y = self;
	uint8_t at = y->out_tail % sizeof y->out, n = (uint8_t)(y->out_head - y->out_tail);
	if (n > sizeof y->out - at)
		n = (uint8_t)(sizeof y->out - at);
	y->out_lent = n;
	*len = n;
	return n != 0 ? y->out + at : NULL;
}

static void tx_done(void *self, size_t sent)
{
	vf_ymodem *y = self;
	y->out_tail = (uint8_t)(y->out_tail + (sent < y->out_lent ? sent : y->out_lent));
	y->out_lent = 0;
}

static void end(void *self)
{
	vf_ymodem *y = self;
	if (y->file)
		account(y, true);
	y->state = OFF;
	y->file = false;
	y->got = 0;
	y->out_head = (uint8_t)(y->out_tail + y->out_lent);
	y->guest->held = false;
}

/* --- the console's side ---------------------------------------------------------------------- */

static void load(void *self, const uint32_t *at)
{
	vf_ymodem *y = self;
	begin(y);
	y->load.typed = at != NULL;
	y->load.address = at != NULL ? *at : 0;
	/* No capital C in it: a sender that reads this would take it for the invitation. */
	vf_guest_say(y->guest, "send .bin or .hex files by YMODEM now; control-c ends that\r\n");
	vf_guest_activate(y->guest, y);
	wait_for(y, INVITING, 0);
}

static bool broken(const void *self)
{
	const vf_ymodem *y = self;
	return y->broken.len != 0;
}

void vf_ymodem_init(vf_ymodem *y, vf_guest *g, uint8_t *sector, uint32_t sector_len)
{
	static const vf_guest_protocol ymodem = {.name = "ymodem",
						 .opens = opens,
						 .take = take,
						 .see = see,
						 .step = step,
						 .deadline = deadline,
						 .tx = tx,
						 .tx_done = tx_done,
						 .end = end};
	memset(y, 0, sizeof *y);
	y->guest = y->load.writer.guest = g;
	y->load.writer.sector = sector;
	y->load.writer.sector_len = sector_len;
	g->loading = (vf_guest_loading){y, load, broken};
	vf_guest_add(g, &ymodem, y);
}
