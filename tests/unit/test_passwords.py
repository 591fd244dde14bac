"""Every algorithm against published vectors, and against input that would hurt."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import threading
from typing import Any

import argon2
import bcrypt
import pytest

from usherd import errors, passwords
from usherd.hashing import HashingPool

SIGNER = "XyEKE9RcTDeLEsL/RjwPDBv/RqDl8fb3gpYEOQaPihbxf1ZAtSOHCjuAAa7Q3oHpCYhXSN9tizHgVOwn6krflQ=="
FIREBASE_SIGNER = (
    "jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA=="
)


def scrypt(salt: str, n: int, r: int, p: int, length: int = 64) -> dict[str, Any]:
    return {"salt": salt, "costCpu": n, "costMemory": r, "costParallel": p, "length": length}


def firebase(salt: str, signer: str = SIGNER, separator: str = "Bw==") -> dict[str, Any]:
    return {"salt": salt, "saltSeparator": separator, "signerKey": signer}


VECTORS: list[tuple[str, str, str, dict[str, Any]]] = [
    # Appwrite's own test-suite.
    ("md5", "appwrite", "144fa7eaa4904e8ee120651997f70dcc", {}),
    ("bcrypt", "appwrite", "$2a$15$xX/myGbFU.ZSKHSi6EHdBOySTdYm8QxBLXmOPHrYMwV0mHRBBSBOq", {}),
    (
        "argon2", "appwrite",
        "$argon2i$v=19$m=20,t=3,p=2$YXBwd3JpdGU$A/54i238ed09ZR4NwlACU5XnkjNBZU9QeOEuhjLiexI", {},
    ),
    (
        "sha", "appwrite",
        "4243da0a694e8a2f727c8060fe0507c8fa01ca68146c76d2c190805b638c20c6"
        "bf6ba04e21f11ae138785d0bff63c416e6f87badbffad37f6dee50094cc38c70",
        {"version": "sha512"},
    ),
    (
        "scrypt", "appwrite",
        "3fdef49701bc4cfaacd551fe017283513284b4731e6945c263246ef948d3cf63"
        "b5d269c31fd697246085111a428245e24a4ddc6b64c687bc60a8910dbafc1d5b",
        scrypt("appwrite", 16384, 13, 2),
    ),
    ("phpass", "appwrite", "$P$Br387rwferoKN7uwHZqNMu98q3U8RO.", {}),
    (
        "scryptMod", "appwrite",
        "UlM7JiXRcQhzAGlaonpSqNSLIz475WMddOgLjej5De9vxTy48K6WtqlEzrRFeK4t0COfMhWCb8wuMHgxOFCHFQ==",
        firebase("UxLMreBr6tYyjQ=="),
    ),
    ("phpass", "pass123", "$P$BVKPmJBZuLch27D4oiMRTEykGLQ9tX0", {}),
    ("phpass", "your-password", "$P$BkiNDJTpAWXtpaMhEUhUdrv7M0I1g6.", {}),
    ("bcrypt", "secret", "$2y$08$PDbMtV18J1KOBI9tIYabBuyUwBrtXPGhLxCy9pWP6xkldVOKLrLKy", {}),
    ("bcrypt", "test123", "$2a$12$3f2ZaARQ1AmhtQWx2nmQpuXcWfTj1YV2/Hl54e8uKxIzJe3IfwLiu", {}),
    ("bcrypt", "hello-world", "$2a$05$IjrtSz6SN7UJ6Sh3l.b5jODEvEG2LMJTPAHIaLWRvlWx7if3VMkFO", {}),
    (
        "bcrypt", "example-password",
        "$2a$10$3bIGRWUes86CICsuchGLj.e.BqdCdg2/1Ud9LvBhJr0j7Dze8PBdS", {},
    ),
    (
        "md5", "AppwriteIsAwesomeBackendAsAServiceThatIsAlsoOpenSourced",
        "8410e96cf7ac64e0b84c3f8517a82616", {},
    ),
    (
        "sha", "developersAreAwesome!",
        "2455118438cb125354b89bb5888346e9bd23355462c40df393fab514bf2220b5"
        "a08e4e2d7b85d7327595a450d0ac965cc6661152a46a157c66d681bed20a4735",
        {},
    ),
    (
        "argon2", "safe-argon-password",
        "$argon2id$v=19$m=2048,t=3,p=4$MWc5NWRmc2QxZzU2$"
        "41mp7rSgBZ49YxLbbxIac7aRaxfp5/e1G45ckwnK0g8", {},
    ),
    (
        "scrypt", "some-scrypt-password",
        "b448ad7ba88b653b5b56b8053a06806724932d0751988bc9cd0ef7ff059e8ba8"
        "a020e1913b7069a650d3f99a1559aba0221f2c277826919513a054e76e339028",
        scrypt("some-salt", 16384, 12, 2),
    ),
    (
        "scryptMod", "users-password",
        "EPKgfALpS9Tvgr/y1ki7ubY4AEGJeWL3teakrnmOacN4XGiyD00lkzEHgqCQ71wGxoi/zb7Y9a4orOtvMV3/Jw==",
        firebase("56dFqW+kswqktw=="),
    ),
    # Firebase's published sample.
    (
        "scryptMod", "user1password",
        "lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==",
        firebase("42xEC+ixf3L2lw==", FIREBASE_SIGNER),
    ),
    # phpass's published test.
    ("phpass", "test12345", "$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0", {}),
    # RFC 7914, section 12.
    (
        "scrypt", "password",
        "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162"
        "2eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640",
        scrypt("NaCl", 1024, 8, 16),
    ),
    (
        "scrypt", "pleaseletmein",
        "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
        "d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887",
        scrypt("SodiumChloride", 16384, 8, 1),
    ),
    # The costs of a class that was given none.
    (
        "scrypt", "appwrite",
        "9c590c2c5811bd800bb0a945d46ec5cd07509ce6e362c3d7fbae9a65129a3fa3"
        "da9501ad60ed29ecaab41418bdee4301de973a0ae5e409af0798f3074423f5b7",
        {"salt": "appwrite"},
    ),
]  # fmt: skip

APPWRITE_SHA = {
    "sha1": "31c315b0262695ce861bc17c63d2362684d5724c",
    "sha224": "fd66925d38680d7a9a075ab17223d00a60c4c532a81ba3591f9167a4",
    "sha256": "ece375199f9118cf29e19e171742f668b6b13367dc1797d11da1c74795e758cc",
    "sha384": "ed6436743c51a62d3454de8559beb59d923fbb730ae60280"
    "43112ecc8520cee566c539b98383c12259a133043c1e4495",
    "sha512/224": "746d850d8f4bb904a18b936d4693edde4b7eb886ae1527d2be410464",
    "sha512/256": "ffc8b9b6a88b33dd4fddc10d49c4bdd9742689b0cf8bbd9097d4d870f824a3fd",
    "sha3-224": "abb4739db875dd10d24c0ac3d675f847dbab1d1a9c9b613fffdbabe1",
    "sha3-256": "867a758eea6f62ccb37cc3f8945137def93d0638259ff4dcfc0f21629d2666fb",
    "sha3-384": "ed16007b12ad357e455ec14cf692bf1add54809948a3d4d9"
    "f07cb8ebe09cd8ac2e5bf8aa8a558af4a5a5ed7890cef5ab",
    "sha3-512": "a721f80a3f2d1c08137a2ffaad4ac23298f01916e3314111adcba471b2135414"
    "5e4c6fc1cc6d1974608e2e5a96a20df4fba9ac0d52660f3fdc6e2124d5958913",
}
for version, digest in APPWRITE_SHA.items():
    VECTORS.append(("sha", "appwrite", digest, {"version": version}))
    VECTORS.append(("sha", "appwrite", digest.upper(), {"version": version.upper()}))


@pytest.mark.parametrize(("algorithm", "password", "digest", "options"), VECTORS)
def test_published_vectors(
    algorithm: str, password: str, digest: str, options: dict[str, Any]
) -> None:
    assert passwords.verify(algorithm, password, digest, options)
    assert not passwords.verify(algorithm, password + "x", digest, options)


# -- forms of one algorithm --


@pytest.mark.parametrize("kind", list(argon2.Type))
def test_every_argon2(kind: argon2.Type) -> None:
    made = argon2.PasswordHasher(1, 64, 2, type=kind).hash("pässword")
    assert passwords.verify("argon2", "pässword", made, {})
    assert not passwords.verify("argon2", "password", made, {})


def test_argon2_version_1_0_says_no_version() -> None:
    raw = argon2.low_level.hash_secret(b"pw", b"saltsalt", 1, 64, 1, 16, argon2.Type.I, version=16)
    assert passwords.verify("argon2", "pw", raw.decode(), {})
    assert passwords.verify("argon2", "pw", raw.decode().replace("$v=16", ""), {})


@pytest.mark.parametrize("prefix", ["$2a$", "$2b$", "$2y$"])
@pytest.mark.parametrize("algorithm", ["bcrypt", "phpass", "argon2"])
def test_bcrypt_strings_work_wherever_the_original_tells_by_form(
    prefix: str, algorithm: str
) -> None:
    made = bcrypt.hashpw("grüß".encode(), bcrypt.gensalt(4)).decode()
    assert passwords.verify(algorithm, "grüß", prefix + made[4:], {})
    assert not passwords.verify(algorithm, "gruss", prefix + made[4:], {})


def test_bcrypt_counts_72_bytes_and_ends_at_a_nul_as_php_does() -> None:
    made = bcrypt.hashpw(b"a" * 72, bcrypt.gensalt(4)).decode()
    assert passwords.verify("bcrypt", "a" * 72, made, {})
    assert passwords.verify("bcrypt", "a" * 200, made, {})
    assert not passwords.verify("bcrypt", "a" * 71, made, {})
    umlauts = bcrypt.hashpw(("ä" * 36).encode(), bcrypt.gensalt(4)).decode()
    assert passwords.verify("bcrypt", "ä" * 40, umlauts, {})
    short = bcrypt.hashpw(b"before", bcrypt.gensalt(4)).decode()
    assert passwords.verify("bcrypt", "before\0after", short, {})


def test_wordpress_6_8() -> None:
    password = "correct horse " * 10
    mac = hmac.new(b"wp-sha384", password.strip().encode(), hashlib.sha384).digest()
    made = bcrypt.hashpw(base64.b64encode(mac), bcrypt.gensalt(4)).decode()
    digest = "$wp$2y$" + made[4:]
    assert passwords.verify("phpass", password, digest, {})
    assert not passwords.verify("phpass", password + "x", digest, {})


def test_phpbb_prefix() -> None:
    assert passwords.verify("phpass", "test12345", "$H$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0", {})


def test_firebase_exports_in_url_safe_base64() -> None:
    algorithm, password, digest, options = VECTORS[6]
    translated = str.maketrans("+/", "-_", "=")
    safe = {name: value.translate(translated) for name, value in options.items()}
    assert passwords.verify(algorithm, password, digest.translate(translated), safe)


# -- what must fail, quickly and without an exception --

HOSTILE = ["", "x" * 8, "$", "$$$$$$", "\0" * 32, "ü" * 60, "$P$", "$P$" + "." * 31,
           "$P$~" + "." * 30, "$P$." + "." * 30, "$H$z" + "." * 30, "$wp$", "$wp$2y$10$short",
           "$2y$99$" + "a" * 53, "$2y$31$" + "a" * 53, "$2a$00$" + "." * 53,
           "$argon2id$", "$argon2id$v=19$m=0,t=0,p=0$AAAA$AAAA",
           "$argon2id$v=19$m=4294967295,t=3,p=1$c2FsdHNhbHQ$aGFzaGhhc2g",
           "$argon2id$v=19$m=65536,t=4294967295,p=1$c2FsdHNhbHQ$aGFzaGhhc2g",
           "$argon2id$v=19$m=1048576,t=64,p=1$c2FsdHNhbHQ$aGFzaGhhc2g",
           "$argon2id$v=19$m=64,t=1,p=16777215$c2FsdHNhbHQ$aGFzaGhhc2g",
           "$argon2id$v=99$m=64,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2g",
           "$argon2id$v=19$m=" + "9" * 200 + ",t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2g"]  # fmt: skip


@pytest.mark.parametrize("digest", HOSTILE)
@pytest.mark.parametrize("algorithm", [*passwords.ALGORITHMS, "plaintext", ""])
def test_a_digest_that_cannot_be_right_is_wrong(algorithm: str, digest: str) -> None:
    assert passwords.verify(algorithm, "password", digest, {}) is False


@pytest.mark.parametrize("options", [
    scrypt("s", 3, 8, 1), scrypt("s", 1, 8, 1), scrypt("s", -16, 8, 1), scrypt("s", 16, 0, 1),
    scrypt("s", 16, 8, 0), scrypt("s", 16, 8, 1, 0), scrypt("s", 16, 8, 1, 1 << 40),
    scrypt("s", 1 << 62, 8, 1), scrypt("s", 16, 1 << 60, 1), scrypt("s", 16, 1, 1 << 30),
    scrypt("s", 1 << 20, 8, 16), {"salt": None}, {"costCpu": "16"}, {"length": 1.5},
])  # fmt: skip
def test_unusable_scrypt_costs_never_run(options: dict[str, Any]) -> None:
    assert passwords.verify("scrypt", "password", "ab" * 64, options) is False


@pytest.mark.parametrize("options", [
    firebase("!!!"), firebase("", ""), firebase("AAAA", "%%%%"), firebase("A"), {"salt": 5},
    {"unknown": 1},
])  # fmt: skip
def test_unusable_firebase_parameters(options: dict[str, Any]) -> None:
    for digest in ("", "AAAA", "no base64!"):
        assert passwords.verify("scryptMod", "password", digest, options) is False


def test_lone_surrogates_in_a_password_are_wrong_and_no_error() -> None:
    for algorithm, _password, digest, options in VECTORS[:7]:
        assert passwords.verify(algorithm, "\ud800", digest, options) is False


# -- what is written --


def test_new_digests_are_argon2id_and_say_their_true_costs() -> None:
    digest, options = passwords.make("s3cret-Words")
    assert digest.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert options == {"type": "argon2", "memoryCost": 19456, "timeCost": 2, "threads": 1}
    assert passwords.verify("argon2", "s3cret-Words", digest, options)
    assert digest != passwords.make("s3cret-Words")[0]
    assert not passwords.outdated("argon2", digest)


def test_described_costs_are_those_of_the_string() -> None:
    digest = VECTORS[2][2]
    told = passwords.describe("argon2", digest, dict(passwords.DEFAULT_OPTIONS))
    assert told == {"type": "argon2", "memoryCost": 20, "timeCost": 3, "threads": 2}
    assert passwords.describe("argon2", "nonsense", {"a": 1}) == {"a": 1}
    assert passwords.describe("md5", digest, {"type": "md5"}) == {"type": "md5"}


def test_weaker_digests_are_outdated() -> None:
    strong = passwords.make("x" * 8)[0]
    assert passwords.outdated("md5", "144fa7eaa4904e8ee120651997f70dcc")
    assert passwords.outdated("argon2", VECTORS[2][2])
    assert passwords.outdated("argon2", strong.replace("argon2id", "argon2i"))
    assert passwords.outdated("argon2", strong.replace("m=19456", "m=1024"))
    assert not passwords.outdated("argon2", strong.replace("m=19456,t=2", "m=65536,t=4"))


def test_nobody_has_the_dummy() -> None:
    assert passwords.dummy() == passwords.dummy()
    assert not passwords.verify("argon2", "", passwords.dummy(), {})


# -- policies --


def test_the_dictionary_has_ten_thousand_words() -> None:
    assert len(passwords.common()) == 10_000
    assert {"password", "12345678", "qwertyuiop"} <= passwords.common()
    assert "correct horse battery" not in passwords.common()


@pytest.mark.parametrize(("password", "found"), [
    ("xxMessi10xx", True), ("u-1234567", True), ("leo@MESSI.example", True), ("my-leo-pass", True),
    ("15551234567", True), ("+15551234567", True), ("barcelona", False), ("", False),
])  # fmt: skip
def test_personal_data(password: str, found: bool) -> None:
    person = {"user_id": "u-1234", "email": "leo@messi.example", "name": "messi10"}
    told = passwords.contains_personal_data(password, phone="+15551234567", **person)
    assert told is found
    nobody = {"user_id": "u", "email": None, "name": "", "phone": None}
    assert not passwords.contains_personal_data("password", **nobody)


# -- the pool --


def test_a_full_pool_refuses_and_recovers() -> None:
    gate = threading.Event()

    async def scenario() -> None:
        pool = HashingPool(threads=1, queue=3)
        jobs = [asyncio.ensure_future(pool.run(gate.wait)) for _ in range(3)]
        await asyncio.sleep(0)
        with pytest.raises(errors.GeneralOverloaded) as refused:
            await pool.hash("password")
        assert refused.value.code == 503
        assert "Retry-After" in refused.value.headers
        gate.set()
        await asyncio.gather(*jobs)
        digest, options = await pool.hash("password")
        assert await pool.verify("argon2", "password", digest, options)
        assert await pool.verify_any("password", [("md5", "x", {}), ("argon2", digest, options)])
        await pool.pretend("password")
        pool.close()

    asyncio.run(scenario())


def test_a_caller_who_leaves_does_not_leave_a_hole_in_the_queue() -> None:
    gate = threading.Event()

    async def scenario() -> None:
        pool = HashingPool(threads=1, queue=1)
        gone = asyncio.ensure_future(pool.run(gate.wait))
        await asyncio.sleep(0)
        gone.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gone
        with pytest.raises(errors.GeneralOverloaded):
            await pool.run(int)
        gate.set()
        while True:
            try:
                assert await pool.run(int) == 0
                break
            except errors.GeneralOverloaded:
                await asyncio.sleep(0.01)
        pool.close()

    asyncio.run(scenario())
