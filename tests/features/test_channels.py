"""JOIN, PART, TOPIC, NAMES, LIST, KICK, INVITE and the modes that decide over them."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from chat.network.settings import Limits
from tests.support.world import FakeClient, World


def numerics(lines: list[str]) -> list[str]:
    return [line.split()[1] for line in lines]


class ChannelCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.world = World(limits=Limits(flood=False, channels=3, bans=2, topic_length=10))
        self.op = self.world.client("op")
        self.op.send("JOIN #room")
        self.guest = self.world.client("guest")
        self.op.lines()

    def join(self, client: FakeClient, words: str = "#room") -> list[str]:
        return client.exchange(f"JOIN {words}")


class JoinTests(ChannelCase):
    def test_order(self) -> None:
        """Modern IRC, "JOIN message": the JOIN, the topic, then the names."""
        self.op.send("TOPIC #room :Hi")
        self.assertEqual(numerics(self.join(self.guest)), ["JOIN", "332", "333", "353", "366"])
        self.assertEqual(self.join(self.guest), [])

    def test_several(self) -> None:
        lines = self.guest.exchange("JOIN #a,#room,nonsense,#a,#b")
        self.assertEqual(lines[0], ":irc.test 403 guest nonsense :No such channel")
        joined = [line for line in lines if " JOIN " in line]
        self.assertEqual([line.split()[2] for line in joined], ["#a", "#room", "#b"])
        self.assertEqual(numerics(self.join(self.guest, "#c")), ["405"])

    def test_zero_leaves_all(self) -> None:
        """ "JOIN 0": leave all channels."""
        self.join(self.guest, "#a,#room")
        lines = self.guest.exchange("JOIN 0")
        self.assertEqual(numerics(lines), ["PART", "PART"])

    def test_key_limit_ban_invite_only(self) -> None:
        for modes, numeric in (
            ("+k x", "475"),
            ("+l 1", "471"),
            ("+b guest", "474"),
            ("+i", "473"),
        ):
            self.op.send(f"MODE #room {modes}")
            self.assertEqual(numerics(self.join(self.guest)), [numeric])
            self.op.send(f"MODE #room -{modes[1:]}")
        self.op.send("MODE #room +k secret")
        self.assertIn("JOIN", numerics(self.join(self.guest, "#room secret")))

    def test_an_invitation_opens(self) -> None:
        self.op.send("MODE #room +ikb secret guest")
        self.assertEqual(self.op.exchange("INVITE guest #room")[-1], ":irc.test 341 op guest #room")
        self.assertEqual(self.guest.lines(), [":op!op@127.0.0.1 INVITE guest #room"])
        self.assertIn("JOIN", numerics(self.join(self.guest)))
        self.guest.send("PART #room")
        self.assertEqual(numerics(self.join(self.guest)), ["475"])

    def test_channels_that_an_account_keeps(self) -> None:
        """They last, so there is an end to how many one account makes."""
        world = World(limits=Limits(flood=False, channels=10, kept_channels=3))
        world.add_account("maker")
        maker = world.client("maker", account="maker")
        lines = maker.exchange("JOIN #a,#b,#c,#d")
        self.assertEqual(lines[0].split()[1:4], ["405", "maker", "#d"])
        maker.exchange("PART #a,#b,#c")
        self.assertEqual(numerics(maker.exchange("JOIN #e")), ["405"])
        self.assertIn("JOIN", numerics(maker.exchange("JOIN #a")))
        maker.exchange("MODE #a -P", "PART #a")
        self.assertIn("JOIN", numerics(maker.exchange("JOIN #e")))

    def test_extended_join(self) -> None:
        """extended-join: account (* for none) and real name."""
        watcher = self.world.client("watcher", "extended-join")
        self.join(watcher)
        watcher.lines()
        self.join(self.guest)
        self.assertEqual(watcher.lines(), [":guest!guest@127.0.0.1 JOIN #room * :The guest"])

    def test_an_account_gets_its_rank_back(self) -> None:
        self.world.add_account("owner")
        owner = self.world.client("owner", account="owner")
        self.join(owner, "#own")
        owner.send("MODE #own +i", "PART #own")
        self.assertIn("#own", self.world.network.channels)
        self.assertEqual(numerics(self.join(self.guest, "#own")), ["473"])
        lines = self.join(owner, "#own")
        self.assertIn(":irc.test 353 owner = #own @owner", lines)


class PartTests(ChannelCase):
    def test_part(self) -> None:
        self.join(self.guest)
        self.op.lines()
        wanted = ":guest!guest@127.0.0.1 PART #room :so long"
        self.assertEqual(self.guest.exchange("PART #Room,#room :so long"), [wanted])
        self.assertEqual(self.op.lines(), [wanted])
        self.assertEqual(numerics(self.guest.exchange("PART #room,#none")), ["442", "403"])


class TopicTests(ChannelCase):
    def test_see_and_set(self) -> None:
        self.assertEqual(
            self.op.exchange("TOPIC #room"), [":irc.test 331 op #room :No topic is set"]
        )
        self.assertEqual(
            self.op.exchange("TOPIC #room :0123456789abc"),
            [":op!op@127.0.0.1 TOPIC #room 0123456789"],
        )
        self.assertEqual(numerics(self.op.exchange("TOPIC #room")), ["332", "333"])
        self.assertEqual(self.op.exchange("TOPIC #room :"), [":op!op@127.0.0.1 TOPIC #room :"])
        self.assertEqual(numerics(self.op.exchange("TOPIC #room")), ["331"])

    def test_refused(self) -> None:
        self.assertEqual(numerics(self.guest.exchange("TOPIC #room")), ["442"])
        self.assertEqual(numerics(self.guest.exchange("TOPIC #none :x")), ["403"])
        self.join(self.guest)
        self.assertEqual(numerics(self.guest.exchange("TOPIC #room :x")), ["482"])
        self.op.send("MODE #room -t")
        self.guest.lines()
        self.assertEqual(numerics(self.guest.exchange("TOPIC #room :x")), ["TOPIC"])


class ModeTests(ChannelCase):
    def test_see(self) -> None:
        self.op.send("MODE #room +kl secret 5")
        self.assertEqual(self.op.exchange("MODE #room")[0], ":irc.test 324 op #room +klnt secret 5")
        self.assertEqual(
            self.guest.exchange("MODE #room")[0], ":irc.test 324 guest #room +klnt * 5"
        )

    def test_change(self) -> None:
        self.join(self.guest)
        self.op.lines(), self.guest.lines()
        wanted = ":op!op@127.0.0.1 MODE #room +vm-t guest"
        self.assertEqual(self.op.exchange("MODE #room +vm-t GUEST"), [wanted])
        self.assertEqual(self.guest.lines(), [wanted])
        self.assertEqual(self.op.exchange("MODE #room +vm-t guest"), [])

    def test_refused(self) -> None:
        self.join(self.guest)
        for line, numeric in (
            ("MODE #none +t", "403"),
            ("MODE #room +X", "472"),
            ("MODE #room +o nobody", "401"),
            ("MODE #room +o", "461"),
            ("MODE #room +l", "461"),
            ("MODE #room +l many", "696"),
            ("MODE #room +l 0", "696"),
            ("MODE #room +k :a b", "696"),
        ):
            self.assertEqual(numerics(self.op.exchange(line)), [numeric], line)
        self.assertEqual(numerics(self.guest.exchange("MODE #room +t-n+m")), ["482"])
        self.world.client("third")
        self.assertEqual(numerics(self.op.exchange("MODE #room +v third")), ["441"])

    def test_ban_list(self) -> None:
        self.op.send("MODE #room +bb bad *!*@192.0.2.*")
        lines = self.guest.exchange("MODE #room b")
        self.assertEqual([line.split()[4] for line in lines], ["bad!*@*", "*!*@192.0.2.*", ":End"])
        self.assertEqual(numerics(self.op.exchange("MODE #room +b third")), ["478"])
        self.assertEqual(
            self.op.exchange("MODE #room -b BAD"), [":op!op@127.0.0.1 MODE #room -b bad!*@*"]
        )

    def test_own_modes(self) -> None:
        """Modern IRC, "MODE message": nobody gives oneself +o, and +i is one's own."""
        self.assertEqual(
            self.guest.exchange("MODE guest +io"), [":guest!guest@127.0.0.1 MODE guest +i"]
        )
        self.assertEqual(self.guest.exchange("MODE guest"), [":irc.test 221 guest +i"])
        self.assertEqual(numerics(self.guest.exchange("MODE op +i")), ["502"])
        self.assertEqual(numerics(self.guest.exchange("MODE nobody")), ["401"])
        self.assertEqual(numerics(self.guest.exchange("MODE guest +9")), ["501"])


class KickTests(ChannelCase):
    def test_kick(self) -> None:
        self.join(self.guest)
        self.op.lines(), self.guest.lines()
        wanted = ":op!op@127.0.0.1 KICK #room guest out"
        self.assertEqual(self.op.exchange("KICK #room guest,nobody :out")[1:], [wanted])
        self.assertEqual(self.guest.lines(), [wanted])
        self.assertEqual(numerics(self.op.exchange("KICK #room guest")), ["441"])

    def test_refused(self) -> None:
        self.assertEqual(numerics(self.guest.exchange("KICK #room op")), ["442"])
        self.join(self.guest)
        self.assertEqual(numerics(self.guest.exchange("KICK #room op")), ["482"])
        self.assertEqual(numerics(self.guest.exchange("KICK #none op")), ["403"])
        self.assertEqual(numerics(self.guest.exchange("KICK #room")), ["461"])


class InviteTests(ChannelCase):
    def test_refused(self) -> None:
        for line, numeric in (
            ("INVITE guest #none", "403"),
            ("INVITE nobody #room", "401"),
            ("INVITE op #room", "443"),
            ("INVITE guest", "461"),
        ):
            self.assertEqual(numerics(self.op.exchange(line)), [numeric], line)
        self.assertEqual(numerics(self.guest.exchange("INVITE op #room")), ["442"])
        self.join(self.guest)
        self.op.send("MODE #room +i")
        self.guest.lines()
        self.world.client("third")
        self.assertEqual(numerics(self.guest.exchange("INVITE third #room")), ["482"])


class ListingTests(ChannelCase):
    def test_names(self) -> None:
        """Modern IRC, "NAMES message"; multi-prefix; userhost-in-names."""
        self.join(self.guest)
        self.op.send("MODE #room +v op")
        self.assertEqual(self.op.exchange("NAMES #room")[0], ":irc.test 353 op = #room :@op guest")
        modern = self.world.client("modern", "multi-prefix userhost-in-names")
        self.assertEqual(
            modern.exchange("NAMES #room")[0],
            ":irc.test 353 modern = #room :@+op!op@127.0.0.1 guest!guest@127.0.0.1",
        )
        self.assertEqual(
            self.op.exchange("NAMES #none"), [":irc.test 366 op #none :End of NAMES list"]
        )

    def test_names_of_many_fit_their_lines(self) -> None:
        for number in range(60):
            self.world.client(f"member-with-a-long-name-{number}").send("JOIN #room")
        lines = self.op.exchange("NAMES #room")
        self.assertTrue(all(len(line) <= 510 for line in lines))
        found = [name for line in lines[:-1] for name in line.partition(" :")[2].split()]
        self.assertEqual(len(found), 61)

    def test_invisible(self) -> None:
        """Modern IRC, "Invisible User Mode": hidden from who shares no channel."""
        self.op.send("MODE op +i")
        self.assertEqual(numerics(self.guest.exchange("NAMES #room")), ["366"])
        self.assertEqual(numerics(self.guest.exchange("WHO o*")), ["315"])
        self.assertEqual(numerics(self.guest.exchange("WHO op")), ["352", "315"])
        self.join(self.guest)
        self.assertEqual(numerics(self.guest.exchange("NAMES #room")), ["353", "366"])

    def test_list(self) -> None:
        self.op.send("TOPIC #room :Hi")
        self.assertEqual(
            self.guest.exchange("LIST"),
            [
                ":irc.test 321 guest Channel :Users  Name",
                ":irc.test 322 guest #room 1 Hi",
                ":irc.test 323 guest :End of LIST",
            ],
        )
        self.assertEqual(numerics(self.guest.exchange("LIST #none,#room")), ["321", "322", "323"])

    def test_conditions(self) -> None:
        """Modern IRC, "ELIST parameter": C, M, N, T and U."""
        self.world.clock.advance(600)
        self.op.send("JOIN #young", "TOPIC #young :fresh")
        self.join(self.guest)
        for condition, found in {
            ">1": ["#room"],
            "<2": ["#young"],
            "C<5": ["#young"],
            "C>5": ["#room"],
            "T<5": ["#young"],
            "*o*": ["#room", "#young"],
            "*oo*": ["#room"],
            "!*oo*": ["#young"],
            "*o*,>1": ["#room"],
        }.items():
            lines = self.guest.exchange(f"LIST {condition}")[1:-1]
            self.assertEqual([line.split()[3] for line in lines], found, condition)
