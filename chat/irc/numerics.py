"""Every numeric with its text: one row each.

A call of a row makes the reply: ``ERR_NOSUCHNICK("bob")``.  Texts with fields
take them by keyword; a row without a text takes its text as the last parameter.
Source: Modern IRC, "Numerics"; IRCv3 sasl-3.1 for 900 to 908.
"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen


@frozen
class Reply:
    """A numeric reply that lacks its source and the nickname it goes to.

    ``text`` is the row's own text, and ``""`` where ``params`` say all.
    """

    code: str
    params: tuple[str, ...]
    text: str = ""
    tags: Mapping[str, str] = field(factory=dict, hash=False)

    def words(self) -> tuple[str, ...]:
        """Return all parameters behind the nickname."""
        return (*self.params, self.text) if self.text else self.params


@frozen
class Numeric:
    """One row of the table."""

    code: str
    text: str = ""

    def __call__(self, *params: str, **fields: object) -> Reply:
        """Return the reply with these parameters; ``fields`` complete the text."""
        return Reply(self.code, params, self.text.format(**fields) if fields else self.text)

    def because(self, *params: str, text: str) -> Reply:
        """Return the reply with a text of its own in place of the row's."""
        return Reply(self.code, params, text)


RPL_WELCOME = Numeric("001", "Welcome to the {network} network, {source}")
RPL_YOURHOST = Numeric("002", "Your host is {server}, running version {version}")
RPL_CREATED = Numeric("003", "This server was created {created}")
RPL_MYINFO = Numeric("004")
RPL_ISUPPORT = Numeric("005", "are supported by this server")
RPL_STATSKLINE = Numeric("216")
RPL_ENDOFSTATS = Numeric("219", "End of STATS report")
RPL_UMODEIS = Numeric("221")
RPL_STATSUPTIME = Numeric("242")
RPL_STATSOLINE = Numeric("243")
RPL_STATSDEBUG = Numeric("249")
RPL_LUSERCLIENT = Numeric("251", "There are {visible} users and {invisible} invisible on 1 servers")
RPL_LUSEROP = Numeric("252", "operator(s) online")
RPL_LUSERUNKNOWN = Numeric("253", "unknown connection(s)")
RPL_LUSERCHANNELS = Numeric("254", "channels formed")
RPL_LUSERME = Numeric("255", "I have {clients} clients and 0 servers")
RPL_ADMINME = Numeric("256", "Administrative info")
RPL_ADMINLOC1 = Numeric("257")
RPL_ADMINLOC2 = Numeric("258")
RPL_ADMINEMAIL = Numeric("259")
RPL_LOCALUSERS = Numeric("265", "Current local users {clients}, max {most}")
RPL_GLOBALUSERS = Numeric("266", "Current global users {clients}, max {most}")
RPL_WHOISCERTFP = Numeric("276")
RPL_AWAY = Numeric("301")
RPL_USERHOST = Numeric("302")
RPL_ISON = Numeric("303")
RPL_UNAWAY = Numeric("305", "You are no longer marked as being away")
RPL_NOWAWAY = Numeric("306", "You have been marked as being away")
RPL_WHOISUSER = Numeric("311")
RPL_WHOISSERVER = Numeric("312")
RPL_WHOISOPERATOR = Numeric("313", "is an IRC operator")
RPL_WHOWASUSER = Numeric("314")
RPL_ENDOFWHO = Numeric("315", "End of WHO list")
RPL_WHOISIDLE = Numeric("317", "seconds idle, signon time")
RPL_ENDOFWHOIS = Numeric("318", "End of WHOIS list")
RPL_WHOISCHANNELS = Numeric("319")
RPL_LISTSTART = Numeric("321")
RPL_LIST = Numeric("322")
RPL_LISTEND = Numeric("323", "End of LIST")
RPL_CHANNELMODEIS = Numeric("324")
RPL_CREATIONTIME = Numeric("329")
RPL_WHOISACCOUNT = Numeric("330", "is logged in as")
RPL_NOTOPIC = Numeric("331", "No topic is set")
RPL_TOPIC = Numeric("332")
RPL_TOPICWHOTIME = Numeric("333")
RPL_WHOISBOT = Numeric("335", "is a bot")
RPL_INVITEDTO = Numeric("336")
RPL_ENDOFINVITEDTO = Numeric("337", "End of INVITE list")
RPL_INVITING = Numeric("341")
RPL_INVITELIST = Numeric("346")
RPL_ENDOFINVITELIST = Numeric("347", "End of channel invite list")
RPL_EXCEPTLIST = Numeric("348")
RPL_ENDOFEXCEPTLIST = Numeric("349", "End of channel exception list")
RPL_VERSION = Numeric("351")
RPL_WHOREPLY = Numeric("352")
RPL_NAMREPLY = Numeric("353")
RPL_WHOSPCRPL = Numeric("354")
RPL_LINKS = Numeric("364")
RPL_ENDOFLINKS = Numeric("365", "End of LINKS list")
RPL_ENDOFNAMES = Numeric("366", "End of NAMES list")
RPL_BANLIST = Numeric("367")
RPL_ENDOFBANLIST = Numeric("368", "End of channel ban list")
RPL_ENDOFWHOWAS = Numeric("369", "End of WHOWAS")
RPL_INFO = Numeric("371")
RPL_MOTD = Numeric("372")
RPL_ENDOFINFO = Numeric("374", "End of INFO list")
RPL_MOTDSTART = Numeric("375", "- {server} Message of the day -")
RPL_ENDOFMOTD = Numeric("376", "End of MOTD command")
RPL_WHOISHOST = Numeric("378")
RPL_WHOISMODES = Numeric("379")
RPL_YOUREOPER = Numeric("381", "You are now an IRC operator")
RPL_REHASHING = Numeric("382", "Rehashing")
RPL_TIME = Numeric("391")
ERR_UNKNOWNERROR = Numeric("400")
ERR_NOSUCHNICK = Numeric("401", "No such nick/channel")
ERR_NOSUCHSERVER = Numeric("402", "No such server")
ERR_NOSUCHCHANNEL = Numeric("403", "No such channel")
ERR_CANNOTSENDTOCHAN = Numeric("404", "Cannot send to channel")
ERR_TOOMANYCHANNELS = Numeric("405", "You have joined too many channels")
ERR_WASNOSUCHNICK = Numeric("406", "There was no such nickname")
ERR_TOOMANYTARGETS = Numeric("407", "Too many targets")
ERR_INVALIDCAPCMD = Numeric("410", "Invalid CAP command")
ERR_NORECIPIENT = Numeric("411", "No recipient given ({command})")
ERR_NOTEXTTOSEND = Numeric("412", "No text to send")
ERR_INPUTTOOLONG = Numeric("417", "Input line was too long")
ERR_UNKNOWNCOMMAND = Numeric("421", "Unknown command")
ERR_NOMOTD = Numeric("422", "MOTD file is missing")
ERR_NOADMININFO = Numeric("423", "No administrative info available")
ERR_NONICKNAMEGIVEN = Numeric("431", "No nickname given")
ERR_ERRONEUSNICKNAME = Numeric("432", "Erroneous nickname")
ERR_NICKNAMEINUSE = Numeric("433", "Nickname is already in use")
ERR_USERNOTINCHANNEL = Numeric("441", "They aren't on that channel")
ERR_NOTONCHANNEL = Numeric("442", "You're not on that channel")
ERR_USERONCHANNEL = Numeric("443", "is already on channel")
ERR_NONICKCHANGE = Numeric("447", "Your nickname is the name of your account and cannot be changed")
ERR_NOTREGISTERED = Numeric("451", "You have not registered")
ERR_NEEDMOREPARAMS = Numeric("461", "Not enough parameters")
ERR_ALREADYREGISTERED = Numeric("462", "You may not reregister")
ERR_PASSWDMISMATCH = Numeric("464", "Password incorrect")
ERR_YOUREBANNEDCREEP = Numeric("465")
ERR_LINKCHANNEL = Numeric("470", "Forwarding to another channel")
ERR_CHANNELISFULL = Numeric("471", "Cannot join channel (+l)")
ERR_UNKNOWNMODE = Numeric("472", "is unknown mode char to me")
ERR_INVITEONLYCHAN = Numeric("473", "Cannot join channel (+i)")
ERR_BANNEDFROMCHAN = Numeric("474", "Cannot join channel (+b)")
ERR_BADCHANNELKEY = Numeric("475", "Cannot join channel (+k)")
ERR_BADCHANMASK = Numeric("476", "Bad channel name")
ERR_NEEDREGGEDNICK = Numeric("477", "Cannot join channel (+R): log in to an account first")
ERR_BANLISTFULL = Numeric("478", "Channel list is full")
ERR_NOPRIVILEGES = Numeric("481", "Permission denied: you are not an IRC operator")
ERR_CHANOPRIVSNEEDED = Numeric("482", "You're not a channel operator")
ERR_CANTKILLSERVER = Numeric("483", "You cannot kill a server")
ERR_UMODEUNKNOWNFLAG = Numeric("501", "Unknown MODE flag")
ERR_USERSDONTMATCH = Numeric("502", "Cannot change or view the modes of other users")
ERR_HELPNOTFOUND = Numeric("524", "There is no help on this")
ERR_INVALIDMODEPARAM = Numeric("696")
RPL_WHOISSECURE = Numeric("671", "is using a secure connection")
RPL_HELPSTART = Numeric("704")
RPL_HELPTXT = Numeric("705")
RPL_ENDOFHELP = Numeric("706", "End of HELP")
RPL_MONONLINE = Numeric("730")
RPL_MONOFFLINE = Numeric("731")
RPL_MONLIST = Numeric("732")
RPL_ENDOFMONLIST = Numeric("733", "End of MONITOR list")
ERR_MONLISTFULL = Numeric("734", "Monitor list is full")
RPL_WHOISKEYVALUE = Numeric("760")
RPL_KEYVALUE = Numeric("761")
RPL_KEYNOTSET = Numeric("766", "Key not set")
RPL_METADATASUBOK = Numeric("770")
RPL_METADATAUNSUBOK = Numeric("771")
RPL_METADATASUBS = Numeric("772")
RPL_METADATASYNCLATER = Numeric("774")
RPL_LOGGEDIN = Numeric("900", "You are now logged in as {account}")
RPL_SASLSUCCESS = Numeric("903", "SASL authentication successful")
ERR_SASLFAIL = Numeric("904", "SASL authentication failed")
ERR_SASLTOOLONG = Numeric("905", "SASL message too long")
ERR_SASLABORTED = Numeric("906", "SASL authentication aborted")
ERR_SASLALREADY = Numeric("907", "You have already authenticated using SASL")
RPL_SASLMECHS = Numeric("908", "are available SASL mechanisms")
