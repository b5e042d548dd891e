/* The file of a recording: who may read it, whom it spares, and what becomes of it when there is no room. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net/recording.h"
#include "peer/record.h"

static char folder[] = "/tmp/wirelark-recording-XXXXXX";
static char name[128], other[128];

/* fallocate() through here: full after so many bytes, or not there at all. */
static off_t disk_size;
static bool no_fallocate;

int __real_fallocate(int fd, int mode, off_t offset, off_t size);
int __wrap_fallocate(int fd, int mode, off_t offset, off_t size);

int __wrap_fallocate(int fd, int mode, off_t offset, off_t size)
{
	if (no_fallocate || (disk_size && offset + size > disk_size)) {
		errno = no_fallocate ? EOPNOTSUPP : ENOSPC;
		return -1;
	}
	return __real_fallocate(fd, mode, offset, size);
}

static int set_up(void **state)
{
	(void)state;
	snprintf(name, sizeof(name), "%s/a", folder);
	snprintf(other, sizeof(other), "%s/b", folder);
	disk_size = 0;
	no_fallocate = false;
	unsetenv("WLK_RECORD");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	unlink(name);
	unlink(other);
	return 0;
}

/* As peer/ does: entries until |bytes| are written or it is over. */
static void fill(wlk_recording *rec, size_t bytes)
{
	while (wlk_recording_size(rec) < bytes && !wlk_recording_status(rec))
		record_number(rec, RECORD_VERDICT, 0x0101010101010101, 8);
}

static size_t count_entries(const char *path, size_t *file_size)
{
	static uint8_t data[4 << 20];
	FILE *file = fopen(path, "rb");
	struct record_header header;
	struct record_reader r;
	struct record_entry entry;
	size_t n = 0;

	assert_non_null(file);
	*file_size = fread(data, 1, sizeof(data), file);
	fclose(file);
	assert_int_equal(record_reader_init(&r, data, *file_size, &header), WLK_OK);
	while (record_next(&r, &entry)) {
		assert_int_equal(entry.body.size, 8);
		n++;
	}
	return n;
}

/* All that the file has room for are there. */
static void check_entries(const char *path)
{
	size_t size, count = count_entries(path, &size);

	assert_int_equal(count, (size - RECORD_HEADER_SIZE) / 12);
}

static void test_file_is_the_owners_alone_and_as_long_as_its_entries(void **state)
{
	wlk_recording *rec;
	struct stat info;
	size_t size;

	(void)state;
	assert_int_equal(wlk_recording_open(name, 0, &rec), WLK_OK);
	assert_int_equal(stat(name, &info), 0);
	assert_int_equal(info.st_mode & 0777, 0600);
	fill(rec, 3000000); /* over several windows */
	assert_int_equal(wlk_recording_status(rec), WLK_OK);
	size = wlk_recording_size(rec);
	wlk_recording_close(rec);
	assert_int_equal(stat(name, &info), 0);
	assert_int_equal((size_t)info.st_size, size);
	check_entries(name);
	wlk_recording_close(NULL);
}

static void test_what_exists_is_not_touched(void **state)
{
	wlk_recording *rec = NULL;
	struct stat info;

	(void)state;
	assert_int_equal(symlink(other, name), 0);
	assert_int_equal(wlk_recording_open(name, 0, &rec), WLK_ERR_IO); /* a link, even one that leads nowhere */
	assert_int_equal(lstat(other, &info), -1);
	close(open(other, O_CREAT | O_WRONLY, 0644));
	assert_int_equal(wlk_recording_open(other, 0, &rec), WLK_ERR_IO);
	assert_int_equal(wlk_recording_open(name, 0, &rec), WLK_ERR_IO);
	assert_int_equal(stat(other, &info), 0);
	assert_int_equal(info.st_size, 0);
	assert_null(rec);
	assert_int_equal(wlk_recording_open("", 0, &rec), WLK_ERR_INVALID);
	assert_int_equal(wlk_recording_open(NULL, 0, &rec), WLK_ERR_INVALID);
	assert_int_equal(wlk_recording_open(name, 0, NULL), WLK_ERR_INVALID);
}

static void test_a_full_disk_ends_it_with_what_it_has(void **state)
{
	wlk_recording *rec;
	struct stat info;
	size_t size;

	(void)state;
	disk_size = 2 << 20;
	assert_int_equal(wlk_recording_open(name, 0, &rec), WLK_OK);
	fill(rec, 10 << 20);
	assert_int_equal(wlk_recording_status(rec), WLK_ERR_IO);
	size = wlk_recording_size(rec);
	assert_in_range(size, 1 << 20, 2 << 20);
	assert_int_equal(stat(name, &info), 0); /* closed already */
	assert_int_equal((size_t)info.st_size, size);
	wlk_recording_close(rec);
	check_entries(name);

	disk_size = 4096;
	unlink(name);
	assert_int_equal(wlk_recording_open(name, 0, &rec), WLK_ERR_IO);
	assert_int_equal(stat(name, &info), -1); /* nothing is left behind */
}

static void test_without_fallocate_zeroes_take_the_blocks(void **state)
{
	wlk_recording *rec;

	(void)state;
	no_fallocate = true;
	assert_int_equal(wlk_recording_open(name, 0, &rec), WLK_OK);
	fill(rec, 1500000);
	assert_int_equal(wlk_recording_status(rec), WLK_OK);
	wlk_recording_close(rec);
	check_entries(name);
}

/* What was written before is there, although nobody closed anything. */
static void test_a_killed_program_leaves_its_entries(void **state)
{
	size_t size;
	int status;
	pid_t child = fork();

	(void)state;
	if (!child) {
		wlk_recording *rec;

		if (wlk_recording_open(name, 0, &rec))
			_exit(1);
		fill(rec, RECORD_HEADER_SIZE + 12 * 1000);
		_exit(42);
	}
	assert_true(child > 0 && waitpid(child, &status, 0) == child);
	assert_int_equal(WEXITSTATUS(status), 42);
	assert_int_equal(count_entries(name, &size), 1000);
}

static void test_environment_names_the_file_and_the_next_free_one(void **state)
{
	wlk_recording *rec, *second;
	struct stat info;
	char next[160];

	(void)state;
	recording_from_environment(&rec);
	assert_null(rec);
	setenv("WLK_RECORD", "", 1);
	recording_from_environment(&rec);
	assert_null(rec);
	setenv("WLK_RECORD", name, 1);
	recording_from_environment(&rec);
	assert_non_null(rec);
	recording_from_environment(&second);
	assert_non_null(second);
	snprintf(next, sizeof(next), "%s.1", name);
	assert_int_equal(stat(name, &info), 0);
	assert_int_equal(stat(next, &info), 0);
	wlk_recording_close(rec);
	wlk_recording_close(second);
	unlink(next);
	setenv("WLK_RECORD", "/nowhere/at/all", 1);
	recording_from_environment(&rec);
	assert_null(rec);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_file_is_the_owners_alone_and_as_long_as_its_entries, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_what_exists_is_not_touched, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_full_disk_ends_it_with_what_it_has, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_without_fallocate_zeroes_take_the_blocks, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_killed_program_leaves_its_entries, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_environment_names_the_file_and_the_next_free_one, set_up, tear_down),
	};
	int failed;

	if (!mkdtemp(folder))
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	rmdir(folder);
	return failed;
}
