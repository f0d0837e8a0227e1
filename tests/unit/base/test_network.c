/* test_network.c: addresses and networks as people write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>
#include <netinet/in.h>
#include <string.h>

#include "smartid/network.h"

static struct sid_address
address(const char *text) {
    struct sid_address out;
    assert_int_equal(sid_address_parse(text, strlen(text), &out), SID_OK);
    return out;
}

static struct sid_network
network(const char *text) {
    struct sid_network out;
    assert_int_equal(sid_network_parse(text, strlen(text), &out), SID_OK);
    return out;
}

static void
what_is_no_address_is_refused(void **state) {
    (void)state;
    static const char *const wrong[] = {
        "",
        " ",
        "1.2.3",
        "1.2.3.4.5",
        "1.2.3.256",
        "1.2.3.4:80",
        "[::1]",
        "::1%lo",
        "fe80::1%eth0",
        " 1.2.3.4",
        "1.2.3.4 ",
        "unknown",
        "_hidden",
        "1:2:3:4:5:6:7",
        "::g",
        "1.2.3.-4",
        "0x7f.0.0.1",
        "127.1",
        "01.2.3.4",
        "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct sid_address out, before;
        memset(&out, 0x33, sizeof out);
        before = out;
        assert_int_equal(sid_address_parse(wrong[i], strlen(wrong[i]), &out),
                         SID_E_ARGUMENT);
        assert_memory_equal(&out, &before, sizeof out);
    }
    struct sid_address out;
    assert_int_equal(sid_address_parse("1.2.3.4\0x", 9, &out), SID_E_ARGUMENT);
    assert_int_equal(sid_address_parse("1.2.3.45", 7, &out), SID_OK);
    assert_int_equal(out.bytes[15], 4);
}

static void
an_ipv4_address_is_the_same_over_either_socket(void **state) {
    (void)state;
    struct sid_address plain = address("192.0.2.7");
    struct sid_address mapped = address("::ffff:192.0.2.7");
    assert_memory_equal(&plain, &mapped, sizeof plain);
    assert_true(sid_address_is_v4(&plain));
    struct sockaddr_in v4 = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(0xc0000207)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    memcpy(&v6.sin6_addr, plain.bytes, sizeof plain.bytes);
    struct sid_address out;
    assert_int_equal(sid_address_of((struct sockaddr *)&v4, &out), SID_OK);
    assert_memory_equal(&out, &plain, sizeof out);
    assert_int_equal(sid_address_of((struct sockaddr *)&v6, &out), SID_OK);
    assert_memory_equal(&out, &plain, sizeof out);
}

static void
a_peer_that_has_no_address_is_refused(void **state) {
    (void)state;
    struct sockaddr peer = {.sa_family = AF_UNIX};
    struct sid_address out;
    assert_int_equal(sid_address_of(&peer, &out), SID_E_ARGUMENT);
}

static void
what_is_no_network_is_refused(void **state) {
    (void)state;
    static const char *const wrong[] = {"",
                                        "/",
                                        "/8",
                                        "10.0.0.0/",
                                        "10.0.0.0/33",
                                        "10.0.0.0/-1",
                                        "10.0.0.0/+8",
                                        "10.0.0.0/08",
                                        "10.0.0.0/8 ",
                                        "::/129",
                                        "10.1.0.0/8",
                                        "2001:db8::1/32",
                                        "10.0.0.0/8/8",
                                        "10.0.0.0/x",
                                        "::ffff:10.0.0.1/104",
                                        "10.0.0.0/1000",
                                        "10.0.0/24"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct sid_network out, before;
        memset(&out, 0x33, sizeof out);
        before = out;
        assert_int_equal(sid_network_parse(wrong[i], strlen(wrong[i]), &out),
                         SID_E_ARGUMENT);
        assert_memory_equal(&out, &before, sizeof out);
    }
}

static void
a_network_has_what_shares_its_bits_and_nothing_else(void **state) {
    (void)state;
    static const struct {
        const char *network, *inside, *outside;
    } cases[] = {
        {"10.0.0.0/8", "10.255.255.255", "11.0.0.0"},
        {"10.0.0.0/8", "10.0.0.0", "9.255.255.255"},
        {"192.0.2.128/25", "192.0.2.128", "192.0.2.127"},
        {"192.0.2.7", "192.0.2.7", "192.0.2.6"},
        {"192.0.2.6/31", "192.0.2.7", "192.0.2.8"},
        {"0.0.0.0/0", "203.0.113.9", "2001:db8::1"},
        {"::/0", "2001:db8::1", "203.0.113.9"},
        {"2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"},
        {"2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::"},
        {"::1", "::1", "::2"},
        {"::ffff:10.0.0.0/104", "10.9.9.9", "11.0.0.0"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sid_network net = network(cases[i].network);
        struct sid_address in = address(cases[i].inside);
        struct sid_address out = address(cases[i].outside);
        assert_true(sid_network_has(&net, &in));
        assert_false(sid_network_has(&net, &out));
    }
}

static void
networks_are_written_in_one_form(void **state) {
    (void)state;
    static const char *const forms[][2] = {
        {"10.0.0.0/8", "10.0.0.0/8"},
        {"192.0.2.7", "192.0.2.7/32"},
        {"0.0.0.0/0", "0.0.0.0/0"},
        {"::/0", "::/0"},
        {"2001:DB8:0:0::/32", "2001:db8::/32"},
        {"::ffff:10.0.0.0/104", "10.0.0.0/8"},
        {"2001:db8:1111:2222:3333:4444:5555:6666",
         "2001:db8:1111:2222:3333:4444:5555:6666/128"},
    };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        struct sid_network net = network(forms[i][0]);
        char text[SID_NETWORK_TEXT_SIZE];
        sid_network_text(&net, text);
        assert_string_equal(text, forms[i][1]);
    }
}

static void
a_list_takes_each_network_once_and_sixteen_at_most(void **state) {
    (void)state;
    struct sid_networks list;
    char text[SID_NETWORKS_TEXT_SIZE];
    assert_int_equal(sid_networks_parse(" \t, ", &list), SID_OK);
    assert_int_equal(list.count, 0);
    sid_networks_text(&list, text);
    assert_string_equal(text, "");
    assert_int_equal(
        sid_networks_parse("10.0.0.0/8,::1 10.0.0.0/8\t2001:db8::/32", &list),
        SID_OK);
    sid_networks_text(&list, text);
    assert_string_equal(text, "10.0.0.0/8 ::1/128 2001:db8::/32");
    struct sid_address inside = address("2001:db8::7");
    struct sid_address outside = address("127.0.0.1");
    assert_true(sid_networks_have(&list, &inside));
    assert_false(sid_networks_have(&list, &outside));
    struct sid_networks before = list;
    assert_int_equal(sid_networks_parse("10.0.0.0/8 rubbish", &list),
                     SID_E_ARGUMENT);
    assert_memory_equal(&list, &before, sizeof list);
    list = (struct sid_networks){0};
    for (int i = 0; i < SID_NETWORKS_MAX; i++) {
        char one[] = "2001:db8:1111:2222:3333:4444:5555:666a";
        one[sizeof one - 2] = "0123456789abcdef"[i];
        assert_int_equal(sid_networks_add(&list, one, sizeof one - 1), SID_OK);
    }
    assert_int_equal(sid_networks_add(&list, "::1", 3), SID_E_ARGUMENT);
    sid_networks_text(&list, text);
    assert_int_equal(sid_networks_parse(text, &before), SID_OK);
    assert_memory_equal(&list, &before, sizeof list);
}

static void
of_an_address_only_its_class_is_told(void **state) {
    (void)state;
    static const char *const classes[][2] = {
        {"127.0.0.1", "loopback"},      {"::1", "loopback"},
        {"10.1.2.3", "private"},        {"172.31.0.1", "private"},
        {"192.168.1.1", "private"},     {"169.254.1.1", "private"},
        {"100.64.0.1", "private"},      {"fd00::1", "private"},
        {"fe80::1", "private"},         {"172.32.0.1", "public"},
        {"203.0.113.9", "public"},      {"2001:db8::1", "public"},
        {"::ffff:10.0.0.1", "private"}, {"::2", "public"},
    };
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++) {
        struct sid_address at = address(classes[i][0]);
        assert_string_equal(sid_address_class(&at), classes[i][1]);
    }
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_address_is_refused),
        cmocka_unit_test(an_ipv4_address_is_the_same_over_either_socket),
        cmocka_unit_test(a_peer_that_has_no_address_is_refused),
        cmocka_unit_test(what_is_no_network_is_refused),
        cmocka_unit_test(a_network_has_what_shares_its_bits_and_nothing_else),
        cmocka_unit_test(networks_are_written_in_one_form),
        cmocka_unit_test(a_list_takes_each_network_once_and_sixteen_at_most),
        cmocka_unit_test(of_an_address_only_its_class_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
