/* log.c - the record of units; the only file that speaks SQL. */
#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include <vcpflash/log.h>

enum {
	OPEN_PATIENCE_MS = 5000,
	NAME_MAX_SHOWN = 180, /* of the path in a sentence */
};

struct vf_log {
	sqlite3 *db;
	sqlite3_stmt *insert;
	char *path; /* as a person knows it */
	int rc;     /* of what failed last, without its extension */
	int64_t run;
};

static const char schema[] =
	"CREATE TABLE run("
	" id INTEGER PRIMARY KEY, time TEXT NOT NULL, version TEXT NOT NULL,"
	" digest TEXT NOT NULL, files TEXT NOT NULL);"
	"CREATE TABLE unit("
	" id INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES run(id), time TEXT NOT NULL,"
	" port TEXT NOT NULL, board TEXT NOT NULL, name TEXT NOT NULL, exit INTEGER NOT NULL,"
	" seconds REAL NOT NULL, bytes INTEGER NOT NULL, cause TEXT NOT NULL);"
	"CREATE INDEX unit_time ON unit(time);"
	"CREATE INDEX unit_board ON unit(board);"
	"CREATE VIEW log AS SELECT unit.id, unit.time, port, board, name, digest, files,"
	" CASE exit WHEN 0 THEN 'ok' WHEN 130 THEN 'interrupted' ELSE 'failed' END AS result,"
	" exit, seconds, bytes, cause, version, run.time AS run_time"
	" FROM unit JOIN run ON run.id = unit.run;";

static const char insert_unit[] =
	"INSERT INTO unit(run, time, port, board, name, exit, seconds, bytes, cause)"
	" VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)";

static const char select_units[] =
	"SELECT id, time, port, board, name, exit, seconds, bytes, cause, run_time, version, "
	"digest,"
	" files FROM log WHERE time >= ?1 AND substr(board, 1, length(?2)) = ?2"
	" AND (exit <> 0 OR NOT ?3) ORDER BY id";

/* --- what went wrong --------------------------------------------------------- */

static int explain_full(const char *path, vf_error *err)
{
	return vf_fail(
		err, VF_E_FILE,
		"%.*s: the log cannot be written: the disk is full: make room, or name a file "
		"on another one with --log",
		NAME_MAX_SHOWN, path);
}

static int explain(const char *path, sqlite3 *db, int rc, vf_error *err)
{
	const int shown = NAME_MAX_SHOWN;
	switch (rc & 0xFF) {
	case SQLITE_NOTADB:
		return vf_fail(err, VF_E_FILE,
			       "%.*s: not a log of vcpflash, and no SQLite file: name another one "
			       "with --log",
			       shown, path);
	case SQLITE_CORRUPT:
		return vf_fail(err, VF_E_FILE,
			       "%.*s: the log is damaged: move it away (sqlite3 FILE .recover may "
			       "save its rows), or name another one with --log",
			       shown, path);
	case SQLITE_FULL:
		return explain_full(path, err);
	case SQLITE_IOERR: /* also of what it keeps beside the file */
		if (db != NULL && sqlite3_system_errno(db) == ENOSPC)
			return explain_full(path, err);
		return vf_fail(
			err, VF_E_FILE,
			"%.*s: the disk failed, or is full: look after it, or name a file on "
			"another one with --log",
			shown, path);
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return vf_fail(err, VF_E_FILE,
			       "%.*s: another program holds the log and does not let go of it",
			       shown, path);
	case SQLITE_READONLY:
	case SQLITE_PERM:
		return vf_fail(err, VF_E_FILE, "%.*s: you have no right to write the log", shown,
			       path);
	case SQLITE_CANTOPEN:
		return vf_fail(err, VF_E_FILE,
			       "%.*s: the log cannot be opened there: is its directory there, and "
			       "yours?",
			       shown, path);
	case SQLITE_NOMEM:
		return vf_fail(err, VF_E_NOMEM, "out of memory");
	default:
		return vf_fail(err, VF_E_FILE, "%.*s: the log cannot be used: %.120s", shown, path,
			       db != NULL ? sqlite3_errmsg(db) : sqlite3_errstr(rc));
	}
}

static int fault(vf_log *log, int rc, vf_error *err)
{
	log->rc = rc & 0xFF;
	return explain(log->path, log->db, rc, err);
}

/* --- opening ------------------------------------------------------------------- */

static int run_sql(vf_log *log, const char *sql)
{
	return sqlite3_exec(log->db, sql, NULL, NULL, NULL);
}

/* The one number that a statement gives. */
static int number(vf_log *log, const char *sql, int64_t *value)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(log->db, sql, -1, &stmt, NULL);
	if (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		*value = sqlite3_column_int64(stmt, 0);
		rc = SQLITE_OK;
	} else if (rc == SQLITE_DONE) {
		rc = SQLITE_CORRUPT;
	}
	(void)sqlite3_finalize(stmt);
	return rc;
}

/* Whose file is it? */
static int check_kind(vf_log *log, bool *empty, vf_error *err)
{
	int64_t application = 0, version = 0, things = 0;
	int rc = number(log, "PRAGMA application_id", &application);
	if (rc == SQLITE_OK)
		rc = number(log, "PRAGMA user_version", &version);
	if (rc == SQLITE_OK)
		rc = number(log, "SELECT count(*) FROM sqlite_master", &things);
	if (rc != SQLITE_OK)
		return fault(log, rc, err);
	*empty = things == 0 && application == 0 && version == 0;
	if (*empty)
		return VF_OK;
	if (application != VF_LOG_APPLICATION)
		return vf_fail(
			err, VF_E_FILE,
			"%.*s: that SQLite file is none of vcpflash's: name another one with "
			"--log",
			NAME_MAX_SHOWN, log->path);
	if (version > VF_LOG_SCHEMA)
		return vf_fail(err, VF_E_FILE,
			       "%.*s: the log was made by a newer vcpflash (schema %lld, this one "
			       "knows %d): name another one with --log",
			       NAME_MAX_SHOWN, log->path, (long long)version, VF_LOG_SCHEMA);
	return VF_OK;
}

/* In one transaction: another program may be making it just now. */
static int check_file(vf_log *log, bool *empty, vf_error *err)
{
	const int rc = run_sql(log, "BEGIN");
	const int status = rc == SQLITE_OK ? check_kind(log, empty, err) : fault(log, rc, err);
	(void)run_sql(log, "COMMIT");
	return status;
}

static int check_sound(vf_log *log, vf_error *err)
{
	int64_t good = 0;
	const int rc = number(log, "SELECT quick_check = 'ok' FROM pragma_quick_check(1)", &good);
	if (rc == SQLITE_OK && good)
		return VF_OK;
	return fault(log, rc == SQLITE_OK ? SQLITE_CORRUPT : rc, err);
}

/* Two that make it at once: the second finds it made when it may write. */
static int make(vf_log *log, vf_error *err)
{
	char numbers[120];
	bool empty = true;
	int rc = run_sql(log, "BEGIN IMMEDIATE");
	if (rc != SQLITE_OK)
		return fault(log, rc, err);
	int status = check_kind(log, &empty, err);
	(void)snprintf(numbers, sizeof numbers, "PRAGMA application_id=%d; PRAGMA user_version=%d;",
		       VF_LOG_APPLICATION, VF_LOG_SCHEMA);
	if (status == VF_OK && empty) {
		rc = run_sql(log, schema);
		if (rc == SQLITE_OK)
			rc = run_sql(log, numbers);
		status = rc == SQLITE_OK ? VF_OK : fault(log, rc, err);
	}
	if (status == VF_OK && (rc = run_sql(log, "COMMIT")) != SQLITE_OK)
		status = fault(log, rc, err);
	if (status != VF_OK)
		(void)run_sql(log, "ROLLBACK");
	return status;
}

/* To SQLite some names mean no file (":memory:") or carry settings ("file:x?mode=ro"). */
static char *plain_name(const char *path)
{
	static const char here[] = "./";
	const size_t before = path[0] == '/' ? 0 : sizeof here - 1, len = strlen(path) + 1;
	char *name = malloc(before + len);
	if (name == NULL)
		return NULL;
	memcpy(name, here, before);
	memcpy(name + before, path, len);
	return name;
}

/* Nobody writes to it now, so that it is as it is: SQLite need make no file beside it. */
static char *still_name(const char *path)
{
	static const char digits[] = "0123456789ABCDEF", ending[] = "?immutable=1";
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-";
	const char *scheme = path[0] == '/' ? "file://" : "file:";
	char *name = malloc(strlen(scheme) + 3 * strlen(path) + sizeof ending);
	if (name == NULL)
		return NULL;
	char *out = name + sprintf(name, "%s", scheme);
	for (const char *s = path; *s != '\0'; s++) {
		if (strchr(plain, *s) != NULL) {
			*out++ = *s;
			continue;
		}
		*out++ = '%';
		*out++ = digits[(unsigned char)*s >> 4];
		*out++ = digits[(unsigned char)*s & 0xF];
	}
	memcpy(out, ending, sizeof ending);
	return name;
}

/* SQLite says of a directory what it says of a disk that fails. */
static int check_name(const char *path, bool make, vf_error *err)
{
	errno = 0;
	FILE *there = fopen(path, "rb");
	const int why = errno;
	const bool missing = there == NULL && why == ENOENT;
	const bool directory = there != NULL && fgetc(there) == EOF && errno == EISDIR;
	if (there != NULL)
		(void)fclose(there);
	if (directory)
		return vf_fail(err, VF_E_FILE, "%.*s: that is a directory: name a file in it",
			       NAME_MAX_SHOWN, path);
	if (there == NULL && why == EACCES && !make)
		return vf_fail(err, VF_E_FILE, "%.*s: you have no right to read the log",
			       NAME_MAX_SHOWN, path);
	if (missing && !make)
		return vf_fail(err, VF_E_FILE, "%.*s: there is no log: no gang has run yet",
			       NAME_MAX_SHOWN, path);
	return VF_OK;
}

static vf_log *open_file(const char *path, int flags, vf_error *err)
{
	const size_t len = strlen(path) + 1;
	vf_log *log = calloc(1, sizeof *log);
	char *name = (flags & SQLITE_OPEN_URI) != 0 ? still_name(path) : plain_name(path);
	if (log != NULL)
		log->path = malloc(len);
	if (log == NULL || log->path == NULL || name == NULL) {
		(void)vf_fail(err, VF_E_NOMEM, "out of memory");
		free(name);
		vf_log_close(log);
		return NULL;
	}
	memcpy(log->path, path, len);
	const int rc = sqlite3_open_v2(name, &log->db, flags, NULL);
	free(name);
	if (rc != SQLITE_OK) {
		(void)fault(log, rc, err);
		vf_log_close(log);
		return NULL;
	}
	(void)sqlite3_busy_timeout(log->db, OPEN_PATIENCE_MS);
	return log;
}

static int bind_texts(sqlite3_stmt *stmt, int first, const char *const *texts, int count)
{
	int rc = SQLITE_OK;
	for (int i = 0; i < count && rc == SQLITE_OK; i++)
		rc = sqlite3_bind_text(stmt, first + i, texts[i], -1, SQLITE_TRANSIENT);
	return rc;
}

static int add_run(vf_log *log, const vf_log_run *run, vf_error *err)
{
	sqlite3_stmt *stmt = NULL;
	const char *const texts[] = {run->time, run->version, run->digest, run->files};
	int rc = sqlite3_prepare_v2(
		log->db, "INSERT INTO run(time, version, digest, files) VALUES(?, ?, ?, ?)", -1,
		&stmt, NULL);
	if (rc == SQLITE_OK)
		rc = bind_texts(stmt, 1, texts, 4);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	(void)sqlite3_finalize(stmt);
	log->run = sqlite3_last_insert_rowid(log->db);
	return rc == SQLITE_DONE ? VF_OK : fault(log, rc, err);
}

static int begin(vf_log *log, const vf_log_run *run, vf_error *err)
{
	bool empty = false;
	int status = check_file(log, &empty, err);
	if (status == VF_OK && empty)
		status = make(log, err);
	if (status == VF_OK)
		status = check_sound(log, err);
	if (status != VF_OK)
		return status;
	/* Where it cannot be had (a network's file system) the usual journal does. */
	(void)run_sql(log, "PRAGMA journal_mode=WAL");
	(void)run_sql(log, "PRAGMA synchronous=NORMAL");
	status = add_run(log, run, err);
	if (status != VF_OK)
		return status;
	const int rc = sqlite3_prepare_v2(log->db, insert_unit, -1, &log->insert, NULL);
	return rc == SQLITE_OK ? VF_OK : fault(log, rc, err);
}

vf_log *vf_log_begin(const char *path, const vf_log_run *run, vf_error *err)
{
	if (check_name(path, true, err) != VF_OK)
		return NULL;
	vf_log *log = open_file(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, err);
	if (log == NULL)
		return NULL;
	if (begin(log, run, err) != VF_OK) {
		vf_log_close(log);
		return NULL;
	}
	(void)sqlite3_busy_timeout(log->db, 0);
	return log;
}

void vf_log_close(vf_log *log)
{
	if (log == NULL)
		return;
	(void)sqlite3_finalize(log->insert);
	(void)sqlite3_close(log->db);
	free(log->path);
	free(log);
}

/* --- writing ---------------------------------------------------------------------- */

void vf_log_patience(vf_log *log, int ms)
{
	(void)sqlite3_busy_timeout(log->db, ms);
}

int vf_log_add(vf_log *log, const vf_log_unit *unit, vf_error *err)
{
	const char *const texts[] = {unit->time, unit->port, unit->board, unit->name};
	sqlite3_stmt *stmt = log->insert;
	int rc = sqlite3_bind_int64(stmt, 1, log->run);
	if (rc == SQLITE_OK)
		rc = bind_texts(stmt, 2, texts, 4);
	if (rc == SQLITE_OK)
		rc = sqlite3_bind_int(stmt, 6, unit->exit);
	if (rc == SQLITE_OK)
		rc = sqlite3_bind_double(stmt, 7, (double)unit->elapsed_us / 1e6);
	if (rc == SQLITE_OK)
		rc = sqlite3_bind_int64(stmt, 8, (sqlite3_int64)unit->bytes);
	if (rc == SQLITE_OK)
		rc = bind_texts(stmt, 9, &unit->cause, 1);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	(void)sqlite3_reset(stmt);
	if (rc == SQLITE_DONE)
		return VF_OK;
	return (rc & 0xFF) == SQLITE_BUSY ? VF_LOG_BUSY : fault(log, rc, err);
}

/* Another program that reads may keep some of it from being moved: what is synced is
 * the log's own journal then, by the next one that writes. */
int vf_log_sync(vf_log *log, vf_error *err)
{
	const int rc = sqlite3_wal_checkpoint_v2(log->db, NULL, SQLITE_CHECKPOINT_FULL, NULL, NULL);
	if (rc == SQLITE_OK || (rc & 0xFF) == SQLITE_BUSY)
		return VF_OK;
	return fault(log, rc, err);
}

/* --- reading ---------------------------------------------------------------------- */

/* Has somebody begun to write, or was he killed? Then not all of it is in the file itself. */
static bool is_written(const vf_log *log)
{
	FILE *wal = fopen(sqlite3_filename_wal(sqlite3_db_filename(log->db, "main")), "rb");
	const bool missing = wal == NULL && errno == ENOENT;
	const bool empty = wal != NULL && fgetc(wal) == EOF;
	if (wal != NULL)
		(void)fclose(wal);
	return !missing && !empty;
}

static vf_log *open_checked(const char *path, int flags, bool *still, vf_error *err)
{
	bool empty = true;
	*still = false;
	vf_log *log = open_file(path, flags, err);
	if (log == NULL)
		return NULL;
	int status = check_file(log, &empty, err);
	if (status == VF_OK && empty)
		status = vf_fail(err, VF_E_FILE, "%.*s: there is no log in that file",
				 NAME_MAX_SHOWN, path);
	if (status == VF_OK)
		return log;
	if (log->rc == SQLITE_READONLY || log->rc == SQLITE_CANTOPEN) {
		*still = !is_written(log);
		(void)vf_fail(
			err, VF_E_FILE,
			"%.*s: a gang writes to the log, or was killed, and you may not write "
			"beside it: read it once the gang is over, or as its owner",
			NAME_MAX_SHOWN, path);
	}
	vf_log_close(log);
	return NULL;
}

/* Also on a disk that is read only, and another person's: SQLite wants to write beside a file
 * even where it only reads, unless it is told that nobody writes. */
vf_log *vf_log_open(const char *path, vf_error *err)
{
	bool still;
	if (check_name(path, false, err) != VF_OK)
		return NULL;
	vf_log *log = open_checked(path, SQLITE_OPEN_READWRITE, &still, err);
	if (log == NULL && still)
		log = open_checked(path, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, &still, err);
	return log;
}

static const char *text(sqlite3_stmt *stmt, int column)
{
	const unsigned char *t = sqlite3_column_text(stmt, column);
	return t != NULL ? (const char *)t : "";
}

static vf_log_unit row(sqlite3_stmt *stmt)
{
	return (vf_log_unit){
		.number = sqlite3_column_int64(stmt, 0),
		.time = text(stmt, 1),
		.port = text(stmt, 2),
		.board = text(stmt, 3),
		.name = text(stmt, 4),
		.exit = sqlite3_column_int(stmt, 5),
		.elapsed_us = (uint64_t)(sqlite3_column_double(stmt, 6) * 1e6 + 0.5),
		.bytes = (uint64_t)sqlite3_column_int64(stmt, 7),
		.cause = text(stmt, 8),
		.run = {.time = text(stmt, 9),
			.version = text(stmt, 10),
			.digest = text(stmt, 11),
			.files = text(stmt, 12)},
	};
}

int vf_log_each(vf_log *log, const vf_log_filter *filter,
		int (*each)(void *ctx, const vf_log_unit *unit), void *ctx, vf_error *err)
{
	const char *const texts[] = {filter->since != NULL ? filter->since : "",
				     filter->board != NULL ? filter->board : ""};
	sqlite3_stmt *stmt = NULL;
	int result = 0;
	int rc = sqlite3_prepare_v2(log->db, select_units, -1, &stmt, NULL);
	if (rc == SQLITE_OK)
		rc = bind_texts(stmt, 1, texts, 2);
	if (rc == SQLITE_OK)
		rc = sqlite3_bind_int(stmt, 3, filter->failed);
	while (rc == SQLITE_OK && result == 0 && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		const vf_log_unit unit = row(stmt);
		result = each(ctx, &unit);
		rc = SQLITE_OK;
	}
	(void)sqlite3_finalize(stmt);
	if (rc != SQLITE_OK && rc != SQLITE_DONE)
		return fault(log, rc, err);
	return result;
}
