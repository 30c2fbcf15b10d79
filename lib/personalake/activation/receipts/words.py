"""Words in which relays and vendors give reasons; names, numbers of customers and hosts are not among them."""

# A word that is missing here is left out of a reason, and nothing else; one that names people must not be here.
_WORDS = """
a accept accepted access account accounts action active address addresses after again all already an and another any
apns app application are as at attempts audience auth authentication authorization available away bad banned be because
been before blacklist blacklisted block blocked blocklist blocklisted body bounce bounced bounces but by campaign cannot
cap capped caps certificate change changed channel client closed code codes command complained complaint complaints
configuration connect connected connection consent contact content could credentials daily data day days deactivated
default deferred delayed deleted deliver delivered delivery denied destination device devices did disabled discarded
disconnected dkim dmarc dns do does domain domains dropped due duplicate dynamic email emails empty end error errors
exceed exceeded exceeding exceeds exist exists expired fail failed failure fcm filter filtered firebase for found
frequency from full gateway gcm global greylisted group had hard has have header headers helo history host hour hours id
identifier ids in inactive inbox incorrect internal invalid ip is isn it key large last length level limit limited
limits link list listed local locked long lookup loop lost mail mailbox mailboxes mails malformed max maximum maybe
media message messages mime mismatch mismatched missing moved must mx name network never new no non none not
notification notifications number of off on one only open opened opt opted or other out outgoing over overloaded own
page parse password payload per perm permanent permanently permission permitted phone please policy poor postmaster
processing prohibited protocol provider ptr push quiet quota rate rbl reached read reason receive receiver receiving
recipient recipients record refused region registered registration reject rejected rejection rejects relay relaying
remote reply reported reputation request required resource response restricted retries retry route routing rule rules
said scheduled secret section security seen segment send sender senders sending sent server service session setting size
smtp soft source spam spf start status storage store stored subject subscribed subscriber subscription such support
suppressed suppression suspended suspicious syntax system target template temporarily temporary terminated than that the
their them there they this throttled time timed timeout timestamp tls to token tokens too traffic transaction transient
try trying twice type unable unauthorized unavailable undeliverable unexpected unknown unreachable unregistered
unrouteable unsolicited unsubscribe unsubscribed until unverified up usage user username users valid value verification
verified verify version virus volume was we web were while window with within wrong x yet you your
"""
# Status codes (550, 5.1.1) stay, and so does one digit; parts of a dotted number go by its beginning.
_NUMBERS = r"[245][0-9]{2}|[0-9]"
_LETTER = r"[\p{L}\p{M}\p{N}]"
# In Java's spelling, as Spark reads it: whatever else is a word.
OTHER_WORDS = rf"(?iu)(?<!{_LETTER})(?<![0-9]\.)(?!(?:{'|'.join(_WORDS.split())}|{_NUMBERS})(?!{_LETTER})){_LETTER}+"
# Several of them, and the signs between.
SEVERAL = r"…(?:[\s_'’.,-]{0,3}…)+"
