"""The main thread through the office: apply, approve, grant, seal; and everything that the gate refuses."""

from __future__ import annotations

import json
import pickle
import time
from datetime import UTC, datetime, timedelta

import pytest
from office_world import CONTRACT, OTHER, PASSWORD, Token, tomorrow

from sealcore import errors
from sealcore.authority import Amount, Digests
from sealcore.keys import KeyStore
from sealcore.pdf import verify_pdf
from sealcore.seals import Registry, View, audit_ledger
from sealcore.sign import SigningKey


class Untouched:
    """Nothing enters the ledger inside the block, and no use is taken."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry

    def __enter__(self) -> None:
        self.before = (self.registry.size, self.registry.view.uses(), self.registry.view.grants())

    def __exit__(self, *_: object) -> None:
        assert (self.registry.size, self.registry.view.uses(), self.registry.view.grants()) == self.before


@pytest.mark.parametrize("seal", ["company", "contract", "token"])
def test_the_main_thread(world, seal):
    with world.open() as registry:
        application = world.apply(registry, seal, uses=2)
        with pytest.raises(errors.ApprovalRequired):
            registry.grant(
                seal, application=application.id, grantee="zhang", uses=2, valid_to=tomorrow(), by=world.keys["zhao"]
            )
        world.approve(registry, application.id)
        grant = registry.grant(
            seal, application=application.id, grantee="zhang", uses=2, valid_to=tomorrow(), by=world.keys["zhao"]
        )
        for number in (1, 2):
            sealed = world.seal(registry, application.id, grant.id, isolated=True)
            assert (sealed.number, sealed.of) == (number, 2)
            assert sealed.delivered.index == sealed.use.index + 1
            assert Digests.of(sealed.data) == Digests(sealed.sha256, sealed.sm3)
            verdict = verify_pdf(sealed.data, roots=world.roots)
            assert verdict.verdict == "authentic", verdict.reasons
            (report,) = verdict.seals
            assert report.algorithm == ("sm2" if seal == "company" else "p256")
            assert report.claimed_time is not None
            assert abs(report.claimed_time - sealed.use.time) < timedelta(seconds=30)
            assert report.authority is not None
            assert report.authority.origin == "example.com/seals"
            assert report.authority.index == sealed.use.index
            assert report.authority.statement.hex() == sealed.use.statement
            assert report.authority.hash_algorithm == "sm3"
            assert sealed.placement is not None
            assert (sealed.placement.page, round(sealed.placement.width_mm, 3)) == (2, 40)
            row = registry.view.use(sealed.use.id)
            assert (row.result, row.number, row.end_index) == ("delivered", number, sealed.delivered.index)
            assert row.delivered is not None
            assert row.delivered.sha256 == sealed.sha256
            assert (row.user_name, set(row.approvers)) == ("张伟", {"li", "wang"})
            assert json.loads(json.dumps(sealed.to_dict()))["use"]["index"] == sealed.use.index
        with pytest.raises(errors.GrantExhausted) as caught:
            world.seal(registry, application.id, grant.id)
        assert (caught.value.limit, caught.value.actual, caught.value.statement) == (2, 3, grant.index)
        assert registry.view.application(application.id).state == "used"
        assert registry.view.grant(grant.id).state == "exhausted"
        for recorded in (application, grant, sealed.use, sealed.delivered):
            recorded.receipt.verify(origin=registry.origin, key=registry.ledger_key)


def test_key_files_serve_as_well_as_tokens(tmp_path):
    with Registry.create(
        tmp_path / "office", origin="example.com/files", unit="hq", unit_name="HQ", password=PASSWORD
    ) as registry:
        registry.add_person("he", name="He", unit="hq", roles=["manager"], by="founder", algorithm="p256")
        assert registry.hash == "sha256"
        assert registry.keys.key_ids() == ["founder", "office", "person-he@1"]
    with Registry.open(tmp_path / "office", password=PASSWORD) as registry:
        made = registry.add_unit("north", name="North", parent="hq", by="he")
        assert (made.kind, made.id, registry.view.unit("north").name) == ("unit", "north", "North")
        # A person changes his own key: the old one stays valid until it is revoked.
        registry.add_key("he", by="he")
        registry.revoke_key("he", by="he", row=2, reason="the old laptop was stolen")
        assert registry.keys.key_ids()[2:] == ["person-he@1", "person-he@2"]
        registry.add_unit("south", name="South", parent="hq", by="he")
        rows = registry.view.keys()
        assert [key.revoked_at is None for key in rows] == [True, True, False, True]
        # After the loss of the last one, the founder gives him a new one.
        registry.revoke_key("he", by="founder")
        with pytest.raises(errors.NotPermitted, match="every key of 'he' is revoked"):
            registry.add_unit("west", name="West", parent="hq", by="he")
        registry.add_key("he", by="founder")
        registry.add_unit("west", name="West", parent="hq", by="he")
        with pytest.raises(errors.UnknownReference, match="no valid key in row 2"):
            registry.revoke_key("he", by="founder", row=2)


class TestTheGateRefuses:
    def test_a_changed_document(self, world):
        with world.open() as registry:
            ids = world.granted(registry)
            with Untouched(registry):
                for document in (OTHER, CONTRACT + b"\n", CONTRACT[:-1], CONTRACT.replace(b"Party A", b"Party B")):
                    with pytest.raises(errors.DocumentMismatch):
                        world.seal(registry, *ids, document=document)
            assert world.seal(registry, *ids).number == 1

    def test_a_place_that_was_not_approved(self, world):
        with world.open() as registry:
            application = world.apply(registry, uses=2, places=[(2, 30, 180), (1, 20.5, 20)])
            assert [place.to_dict() for place in registry.view.application(application.id).places] == [
                {"page": 1, "x_mm": 20.5, "y_mm": 20.0},
                {"page": 2, "x_mm": 30.0, "y_mm": 180.0},
            ]
            world.approve(registry, application.id)
            grant = registry.grant(
                "company",
                application=application.id,
                grantee="zhang",
                uses=2,
                valid_to=tomorrow(),
                by=world.keys["zhao"],
            )
            ids = (application.id, grant.id)
            with (
                Untouched(registry),
                pytest.raises(errors.LimitExceeded, match=r"page 2, x 30 mm, y 181 mm is not"),
            ):
                world.seal(registry, *ids, place=(30.0, 181.0))
            assert world.seal(registry, *ids).placement.page == 2
            assert world.seal(registry, *ids, page=1, place=(20.5, 20.0)).number == 2
            for wrong in ([(0, 1, 1)], [(1, -1, 1)], [(1, 1)], [7], [(1, float("nan"), 1)], [(1, float("inf"), 1)]):
                with pytest.raises(errors.InputError):
                    world.apply(registry, places=wrong)
        assert audit_ledger(world.directory).ok

    def test_an_expired_grant_and_one_to_come(self, world):
        with world.open() as registry:
            brief = world.granted(registry, valid_to=datetime.now(UTC) + timedelta(seconds=1.5))
            later = world.granted(registry, valid_from=datetime.now(UTC) + timedelta(hours=1))
            assert registry.view.grant(later[1]).state == "not-yet"
            with Untouched(registry), pytest.raises(errors.GrantExpired):
                world.seal(registry, *later)
            time.sleep(1.6)
            assert registry.view.grant(brief[1]).state == "expired"
            with Untouched(registry), pytest.raises(errors.GrantExpired):
                world.seal(registry, *brief)

    def test_the_applicant_as_his_own_approver(self, world):
        with world.open() as registry:
            application = world.apply(registry, by=world.keys["sun"])
            with Untouched(registry), pytest.raises(errors.ApplicantExcluded):
                registry.approve(application.id, by=world.keys["sun"])
            world.approve(registry, application.id, "li")
            with Untouched(registry), pytest.raises(errors.ApprovalRequired):
                registry.grant(
                    "company", application=application.id, grantee="sun", uses=1, valid_to=tomorrow(),
                    by=world.keys["zhao"],
                )  # fmt: skip

    def test_a_revoked_grant(self, world):
        with world.open() as registry:
            ids = world.granted(registry, uses=3, depth=1)
            world.seal(registry, *ids)
            child = registry.grant(
                "company", parent=ids[1], grantee="sun", uses=1, valid_to=datetime.now(UTC) + timedelta(hours=1),
                by=world.keys["zhang"],
            )  # fmt: skip
            registry.revoke_grant(ids[1], reason="withdrawn", by=world.keys["zhao"], note="the deal is off")
            assert [row.state for row in registry.view.grants()] == ["revoked", "revoked"]
            with Untouched(registry):
                with pytest.raises(errors.GrantRevoked):
                    world.seal(registry, *ids)
                with pytest.raises(errors.GrantRevoked):
                    world.seal(registry, ids[0], child.id, by=world.keys["sun"])

    def test_a_seal_that_is_not_active(self, world):
        with world.open() as registry:
            ids = world.granted(registry)
            registry.suspend_seal("company", by=world.keys["he"], reason="audit")
            with Untouched(registry):
                with pytest.raises(errors.SealNotActive):
                    world.seal(registry, *ids)
                with pytest.raises(errors.SealNotActive):
                    world.apply(registry)
            registry.activate_seal("company", by=world.keys["he"], reason="audited")
            world.seal(registry, *ids)
            more = world.granted(registry)
            registry.report_seal_lost("company", by=world.keys["he"], note="the safe was open")
            with Untouched(registry), pytest.raises(errors.SealNotActive):
                world.seal(registry, *more)
            with pytest.raises(errors.InvalidTransition):
                registry.activate_seal("company", by=world.keys["he"])
            registry.revoke_seal("company", by=world.keys["he"], reason="lost")
            registry.destroy_seal("company", by=world.keys["he"])
            assert registry.view.seal("company").state == "destroyed"

    def test_somebody_else(self, world):
        with world.open() as registry:
            ids = world.granted(registry)
            with Untouched(registry):
                for person in ("chen", "li", "zhao", "he"):
                    with pytest.raises(errors.NotPermitted):
                        world.seal(registry, *ids, by=world.keys[person])
                with pytest.raises(errors.UnknownReference):
                    world.seal(registry, *ids, by=SigningKey.generate("sm2"))
                with pytest.raises(errors.InvalidKey, match="pass the key itself"):
                    world.seal(registry, *ids, by="zhang")
                with pytest.raises(errors.NotPermitted):
                    world.seal(registry, *ids, by="gate")

    def test_a_key_that_does_not_answer(self, world):
        """Somebody shows another's public key; the gate asks it a question."""
        stranger = SigningKey.generate("sm2")
        with world.open() as registry:
            ids = world.granted(registry)
            with Untouched(registry), pytest.raises(errors.NotPermitted, match="does not answer"):
                world.seal(registry, *ids, by=Token(world.keys["zhang"], stranger.sign))

    def test_a_statement_whose_signature_is_another_s(self, world):
        stranger = SigningKey.generate("sm2")
        with world.open() as registry, Untouched(registry):
            forged = Token(world.keys["he"], stranger.sign)
            with pytest.raises(errors.InvalidSignature):
                registry.add_unit("ghost", name="Ghost unit", parent="hq", by=forged)
            with pytest.raises(errors.InvalidLength):
                registry.add_unit("ghost", name="Ghost unit", parent="hq", by=Token(world.keys["he"], lambda m: b""))
        assert b"Ghost unit" not in (world.directory / "details.db").read_bytes()

    def test_a_document_that_cannot_be_sealed(self, world):
        """What is wrong with the document shows before a use is taken."""
        with world.open() as registry:
            ids = world.granted(registry)
            with Untouched(registry):
                with pytest.raises(errors.InvalidArgument) as caught:
                    world.seal(registry, *ids, page=3)
                assert caught.value.field == "page"
                with pytest.raises(errors.InvalidArgument) as caught:
                    registry.seal_document(*ids, CONTRACT, by=world.keys["zhang"], keyword="nowhere")
                assert caught.value.field == "keyword"
                with pytest.raises(TypeError, match="signed_at"):
                    world.seal(registry, *ids, signed_at=datetime(2020, 1, 1, tzinfo=UTC))
            hostile = b"%PDF-1.7\n" + b"1 0 obj <<" * 1000
            application = world.apply(registry, document=hostile)
            world.approve(registry, application.id)
            grant = registry.grant(
                "company", application=application.id, grantee="zhang", uses=1, valid_to=tomorrow(),
                by=world.keys["zhao"],
            )  # fmt: skip
            with Untouched(registry), pytest.raises(errors.UnreadableDocument):
                world.seal(registry, application.id, grant.id, document=hostile)

    def test_a_seal_whose_key_is_not_here(self, world):
        with Registry.open(world.directory, password=PASSWORD) as registry:
            ids = world.granted(registry, "token")
            with Untouched(registry), pytest.raises(errors.InvalidKey, match="signers"):
                world.seal(registry, *ids)

    def test_a_refused_application(self, world):
        with world.open() as registry:
            application = world.apply(registry)
            world.approve(registry, application.id, "li")
            registry.refuse(application.id, reason="wrong-version", note="page 3 is old", by=world.keys["wang"])
            row = registry.view.application(application.id)
            assert (row.state, row.refused_by, row.refusal) == ("refused", "wang", "wrong-version")
            with pytest.raises(errors.ApplicationRefused):
                registry.approve(application.id, by=world.keys["sun"])

    def test_empty_and_too_large(self, world):
        with world.open() as registry, Untouched(registry):
            with pytest.raises(errors.InvalidArgument, match="empty"):
                world.apply(registry, document=b"")
            with pytest.raises(errors.StorageError, match="nowhere"):
                world.apply(registry, document=world.directory / "nowhere.pdf")


def test_grants_are_passed_on_only_narrower(world):
    with world.open() as registry:
        application, top = world.granted(registry, uses=3, depth=2)
        soon = datetime.now(UTC) + timedelta(hours=1)
        given = {"parent": top, "grantee": "sun", "by": world.keys["zhang"], "uses": 2, "valid_to": soon, "depth": 1}
        for wider in ({"uses": 4}, {"valid_to": tomorrow() + timedelta(days=1)}, {"depth": 2}):
            with Untouched(registry), pytest.raises(errors.GrantWidened):
                registry.grant("company", **{**given, **wider})
        child = registry.grant("company", **given)
        sealed = world.seal(registry, application, child.id, by=world.keys["sun"])
        assert (sealed.number, sealed.of) == (1, 2)
        # A use of the child is a use of its parent.
        assert [(row.id, row.used) for row in registry.view.grants()] == [(top, 1), (child.id, 1)]
        assert world.seal(registry, application, top).number == 2
        assert registry.view.grant(child.id).parent == top
        # When the stand-in leaves, what was passed on by him is void; what was passed on to him cannot be used.
        registry.remove_person("sun", reason="resigned", by=world.keys["he"])
        with Untouched(registry), pytest.raises(errors.NotPermitted):
            world.seal(registry, application, child.id, by=world.keys["sun"])


def test_a_standing_grant_by_document_class(world):
    with world.open() as registry:
        standing = registry.grant(
            "contract",
            grantee="zhang",
            uses=2,
            classes=["purchase-order"],
            valid_to=tomorrow(),
            by=world.keys["zhao"],
        )
        ordered = world.apply(registry, "contract", document_class="purchase-order")
        world.approve(registry, ordered.id)
        assert world.seal(registry, ordered.id, standing.id).number == 1
        other = world.apply(registry, "contract", document_class="loan")
        world.approve(registry, other.id)
        with Untouched(registry), pytest.raises(errors.LimitExceeded):
            world.seal(registry, other.id, standing.id)
        row = registry.view.grant(standing.id)
        assert (row.application, row.classes, row.used) == (None, ("purchase-order",), 1)


def test_amounts(world):
    with world.open() as registry:
        registry.set_policy(
            "two-of-three",
            quorum=1,
            approvers=["li"],
            applicant_units=["hq"],
            max_amounts=[Amount("CNY", 1_000_000)],
            by=world.keys["he"],
        )
        assert (registry.view.policy("two-of-three").revision, registry.view.policy("two-of-three").quorum) == (2, 1)
        with pytest.raises(errors.LimitExceeded):
            world.apply(registry, amount=Amount("CNY", 1_000_001))
        made = world.apply(registry, amount=Amount("CNY", 1_000_000), counterparty="海风贸易", on_behalf_of="shanghai")
        row = registry.view.application(made.id)
        assert (row.amount.minor, row.counterparty, row.on_behalf_of) == (1_000_000, "海风贸易", "shanghai")


def test_several_documents_under_one_application(world):
    with world.open() as registry:
        application = world.apply(registry, document=[OTHER, CONTRACT, OTHER], uses=2)
        world.approve(registry, application.id)
        one = registry.grant(
            "company", application=application.id, documents=[OTHER], grantee="zhang", uses=1, valid_to=tomorrow(),
            by=world.keys["zhao"],
        )  # fmt: skip
        with Untouched(registry), pytest.raises(errors.DocumentMismatch):
            world.seal(registry, application.id, one.id)
        world.seal(registry, application.id, one.id, document=OTHER, page=1)
        assert len(registry.view.application(application.id).documents) == 2


class TestOutput:
    def test_the_file_is_whole_and_new(self, world, tmp_path):
        source = tmp_path / "contract.pdf"
        source.write_bytes(CONTRACT)
        with world.open() as registry:
            ids = world.granted(registry, uses=2)
            sealed = world.seal(registry, *ids, document=source, output=tmp_path / "sealed.pdf")
            assert sealed.output == tmp_path / "sealed.pdf"
            assert sealed.output.read_bytes() == sealed.data
            assert sorted(p.name for p in tmp_path.iterdir() if p.is_file()) == ["contract.pdf", "sealed.pdf"]
            with Untouched(registry):
                with pytest.raises(errors.InvalidArgument, match="exists"):
                    world.seal(registry, *ids, output=tmp_path / "sealed.pdf")
                with pytest.raises(errors.InvalidArgument, match="no directory"):
                    world.seal(registry, *ids, output=tmp_path / "nowhere" / "sealed.pdf")
            assert sealed.output.read_bytes() == sealed.data

    def test_a_name_that_is_taken_meanwhile(self, world, tmp_path):
        target = tmp_path / "sealed.pdf"

        def take_the_name(message: bytes) -> bytes:
            target.write_bytes(b"mine")
            return world.keys["token"].sign(message)

        with world.open(token=Token(world.keys["token"], take_the_name)) as registry:
            ids = world.granted(registry, "token")
            with pytest.raises(errors.StorageError, match="lies in") as caught:
                world.seal(registry, *ids, output=target)
            assert target.read_bytes() == b"mine"
            (use,) = registry.view.uses()
            assert use.result == "delivered"
            with open(caught.value.path, "rb") as draft:
                assert Digests.of(draft.read()).sha256 == use.delivered.sha256


class TestFailures:
    @pytest.mark.parametrize(
        ("act", "raised", "reason"),
        [
            (lambda message: b"", errors.InvalidLength, "signer-failed"),
            (lambda message: bytes(64), errors.InvalidSignature, "signer-failed"),
            (lambda message: SigningKey.generate("p256").sign(message), errors.InvalidSignature, "signer-failed"),
            (lambda message: 1 // 0, ZeroDivisionError, "signer-failed"),
        ],
    )
    def test_a_failed_use_is_counted_and_explained(self, world, act, raised, reason):
        with world.open(token=Token(world.keys["token"], act)) as registry:
            ids = world.granted(registry, "token", uses=1)
            with pytest.raises(raised):
                world.seal(registry, *ids)
            (use,) = registry.view.uses()
            assert (use.result, use.reason, use.number) == ("failed", reason, 1)
            assert "stays counted" in use.explanation
            with Untouched(registry), pytest.raises(errors.GrantExhausted):
                world.seal(registry, *ids)

    def test_an_interrupt(self, world):
        def interrupt(message: bytes) -> bytes:
            raise KeyboardInterrupt

        with world.open(token=Token(world.keys["token"], interrupt)) as registry:
            ids = world.granted(registry, "token", uses=2)
            with pytest.raises(KeyboardInterrupt):
                world.seal(registry, *ids)
            assert [use.reason for use in registry.view.uses()] == ["interrupted"]

    def test_the_office_s_own_seal_key_file_was_exchanged(self, world, tmp_path):
        """A key file that opens but is not the certificate's is found before a use is taken."""
        seals = world.directory / "keys" / "seals"
        with world.open() as registry:
            ids = world.granted(registry)
        (seals / "seal-company@1.key").write_bytes((seals / "seal-contract@1.key").read_bytes())
        with world.open() as registry, Untouched(registry), pytest.raises(errors.InvalidKey):
            world.seal(registry, *ids)

    def test_imprint_and_certificate_files_that_were_changed(self, world):
        with world.open() as registry:
            ids = world.granted(registry)
            row = registry.view.seal("company")
            for name in (row.imprint.hex(), row.certificate.hex() + ".pem"):
                path = world.directory / "blobs" / name
                whole = path.read_bytes()
                cut = len(whole) // 4
                for content in (whole[:cut] + b"AA" + whole[cut + 2 :], whole[: 3 * cut], b"", None):
                    path.unlink()
                    if content is not None:
                        path.write_bytes(content)
                    with Untouched(registry), pytest.raises(errors.StorageError, match="restore it"):
                        world.seal(registry, *ids)
                    path.write_bytes(whole)
            world.seal(registry, *ids)


class TestKeysOfSeals:
    def test_the_office_s_password_opens_none_of_them(self, world):
        store = KeyStore(world.directory / "keys" / "seals", password=PASSWORD)
        assert store.key_ids() == ["seal-company@1", "seal-contract@1"]
        for key_id in store.key_ids():
            with pytest.raises(errors.WrongPassword):
                store.open(key_id)

    def test_no_object_of_the_registry_gives_one_away(self, world):
        """What is reachable through public names, a few steps deep, holds no seal key."""
        with world.open() as registry:
            points = {
                c.public_key.to_sec1() for s in ("company", "contract") for c in registry.view.certificates(s)[:1]
            }
            seen: set[int] = set()
            pending: list[tuple[object, int]] = [(registry, 0)]
            while pending:
                thing, depth = pending.pop()
                if id(thing) in seen or depth > 3:
                    continue
                seen.add(id(thing))
                key = getattr(thing, "verifying_key", None)
                assert not (hasattr(thing, "sign") and key is not None and key.to_sec1() in points)
                for name in dir(thing):
                    if not name.startswith("_") and name != "rebuild":
                        try:
                            value = getattr(thing, name)
                        except errors.SealcoreError:
                            continue
                        if not callable(value) and not isinstance(value, (str, bytes, int, float, tuple)):
                            pending.append((value, depth + 1))

    def test_a_certificate_for_another_key(self, world):
        with world.open() as registry:
            others = registry.view.certificates("contract")[0]
            with Untouched(registry), pytest.raises(errors.InvalidKey, match="prepare_seal_key"):
                registry.register_seal(
                    "company", unit="hq", kind="company", policy="two-of-three", size_mm=40, certificate=others,
                    by=world.keys["he"],
                )  # fmt: skip

    def test_intermediates_that_do_not_follow(self, world):
        with world.open() as registry:
            certificate = registry.view.certificates("token")[0]
            foreign = registry.view.certificates("contract")[1]
            with Untouched(registry), pytest.raises(errors.InvalidCertificate, match="did not sign it") as caught:
                registry.register_seal(
                    "token", unit="hq", kind="finance", policy="two-of-three", size_mm=40, certificate=certificate,
                    chain=[foreign], by=world.keys["he"],
                )  # fmt: skip
            assert caught.value.depth == 0

    def test_a_request_can_be_asked_for_again_until_it_is_registered(self, world):
        with world.open() as registry:
            one = registry.prepare_seal_key("new", subject="New seal, Ltd.")
            two = registry.prepare_seal_key("new", subject="CN=New seal,O=Example")
            assert one.verifying_key == two.verifying_key
            assert one.csr_pem != two.csr_pem
            with pytest.raises(errors.InvalidKey, match="prepared as sm2"):
                registry.prepare_seal_key("new", subject="New", algorithm="p256")

    def test_a_new_version_of_a_seal(self, world):
        """After the renewal of the certificate the seal has a new key; grants for the old version are void."""
        from pdfs import LIFE

        from sealcore.pki import CertificateAuthority

        with world.open() as registry:
            ids = world.granted(registry)
            key = registry.prepare_seal_key("company", subject="CN=Renewed", algorithm="p256")
            root = CertificateAuthority.create_root(SigningKey.generate("p256"), "CN=New root", **LIFE)
            renewed = root.issue("CN=Renewed", key.verifying_key, **LIFE)
            registry.register_seal(
                "company", unit="hq", kind="company", policy="two-of-three", size_mm=(45, 30), certificate=renewed,
                by=world.keys["he"],
            )  # fmt: skip
            with Untouched(registry), pytest.raises(errors.SealNotActive):
                world.seal(registry, *ids)
            registry.activate_seal("company", by=world.keys["he"])
            assert (registry.view.seal("company").version, registry.view.seal("company").size_mm) == (2, (45.0, 30.0))
            with Untouched(registry), pytest.raises(errors.SealNotActive):
                world.seal(registry, *ids)
            sealed = registry.seal_document(*world.granted(registry), CONTRACT, by=world.keys["zhang"])
            assert verify_pdf(sealed.data, roots=[root.certificate]).seals[0].algorithm == "p256"

    def test_a_physical_seal_seals_no_file(self, world):
        with world.open() as registry:
            registry.register_seal(
                "brass", unit="hq", kind="company", policy="two-of-three", size_mm=42, form="physical",
                filing_number="3101150012345", by=world.keys["he"],
            )  # fmt: skip
            registry.activate_seal("brass", by=world.keys["he"])
            ids = world.granted(registry, "brass")
            with Untouched(registry), pytest.raises(errors.NotPermitted, match="physical"):
                world.seal(registry, *ids)
            with pytest.raises(errors.UnknownReference):
                registry.view.certificates("brass")
            with pytest.raises(errors.UnknownReference):
                registry.view.imprint("brass")

    def test_an_expired_certificate(self, world):
        from sealcore.pki import CertificateAuthority

        past = {"not_before": datetime(2020, 1, 1, tzinfo=UTC), "not_after": datetime(2021, 1, 1, tzinfo=UTC)}
        key = SigningKey.generate("sm2")
        root = CertificateAuthority.create_root(SigningKey.generate("sm2"), "CN=Old root", **past)
        with world.open() as registry:
            registry.register_seal(
                "old", unit="hq", kind="contract", policy="two-of-three", size_mm=40, signer=key,
                certificate=root.issue("CN=Old", key.verifying_key, **past), by=world.keys["he"],
            )  # fmt: skip
            registry.activate_seal("old", by=world.keys["he"])
            ids = world.granted(registry, "old")
            with Untouched(registry), pytest.raises(errors.InvalidCertificate, match="2020-01-01 to 2021-01-01"):
                world.seal(registry, *ids)


class TestNames:
    def test_beginnings_of_ids(self, world):
        with world.open() as registry:
            application, grant = world.granted(registry)
            assert registry.view.application(application[:6]).id == application
            assert registry.view.find(grant[:10]) == ("grant", grant)
            world.seal(registry, application[:8], grant[:8])
            for wrong in ("", "12345", "xyzxyz", "%%%%%%", application.upper()[:8] + "G", "0" * 65):
                with pytest.raises(errors.InvalidArgument):
                    registry.approve(wrong, by=world.keys["li"])
            with pytest.raises(errors.UnknownReference):
                registry.approve("000000", by=world.keys["li"])
            with pytest.raises(errors.UnknownReference):
                registry.approve("0" * 64, by=world.keys["li"])
            with pytest.raises(errors.InvalidArgument):
                registry.approve("g" * 64, by=world.keys["li"])

    def test_what_is_no_name(self, world):
        with world.open() as registry, Untouched(registry):
            for unit in ("", "Hq", "a b", "../x", "a" * 65, "ä"):
                with pytest.raises(errors.InputError):
                    registry.add_unit(unit, name="x", parent="hq", by=world.keys["he"])
            for name in ("", "   ", "x" * 5000, "\ud800"):
                with pytest.raises(errors.InvalidArgument) as caught:
                    registry.add_unit("new", name=name, parent="hq", by=world.keys["he"])
                assert caught.value.field == "unit.name"
            with pytest.raises(errors.Duplicate):
                registry.add_unit("shanghai", name="again", parent="hq", by=world.keys["he"])
            with pytest.raises(errors.InvalidImage):
                registry.register_seal(
                    "x", unit="hq", kind="company", policy="two-of-three", size_mm=40, form="physical",
                    imprint=b"GIF89a", by=world.keys["he"],
                )  # fmt: skip
            for size in (0, -1, 5000, float("nan")):
                with pytest.raises(errors.InvalidArgument) as caught:
                    registry.register_seal(
                        "x", unit="hq", kind="company", policy="two-of-three", size_mm=size, form="physical",
                        by=world.keys["he"],
                    )  # fmt: skip
                assert caught.value.field == "size_mm"
        for name in ("again", "Ghost"):
            assert name.encode() not in (world.directory / "details.db").read_bytes()


def test_a_closed_registry_says_so(world):
    with world.open() as registry:
        pass
    registry.close()
    for act in (lambda: world.apply(registry), lambda: registry.view):
        with pytest.raises(errors.InvalidArgument, match="closed"):
            act()


def test_nothing_private_is_shown_or_pickled(world, caplog):
    caplog.set_level("DEBUG")
    with world.open() as registry:
        ids = world.granted(registry)
        sealed = world.seal(registry, *ids)
        secret = world.keys["zhang"].to_bytes()
        for text in (repr(registry), repr(registry.keys), repr(sealed), str(sealed.to_dict()), caplog.text):
            assert "the password of the tests" not in text
            assert secret.hex() not in text
        assert "张伟" not in repr(sealed)
        with pytest.raises(TypeError):
            pickle.dumps(registry)
    for path in world.directory.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert b"the password of the tests" not in data
            assert b"BEGIN PRIVATE KEY" not in data
            assert secret not in data


def test_the_ledger_holds_no_name_and_no_free_text(world):
    with world.open() as registry:
        world.apply(registry, purpose="机密并购", counterparty="海风贸易")
    entries = (world.directory / "ledger" / "wal" / "0.wal").read_bytes()
    projection = (world.directory / "registry.db").read_bytes()
    details = b"".join(p.read_bytes() for p in world.directory.glob("details.db*"))
    for text in ("张伟", "总公司", "机密并购", "海风贸易"):
        assert text.encode() not in entries
        assert text.encode() not in projection
        assert text.encode() in details


def test_create_takes_a_new_or_empty_directory_only(tmp_path):
    given = {"origin": "example.com/x", "unit": "hq", "unit_name": "HQ", "password": PASSWORD}
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("mine")
    (tmp_path / "file").write_text("mine")
    for name in ("full", "file", "full/file"):
        with pytest.raises((errors.InvalidArgument, errors.StorageError)):
            Registry.create(tmp_path / name, **given)
    for wrong in (
        {"origin": ""},
        {"origin": "a b"},
        {"hash": "md5"},
        {"algorithm": "rsa"},
        {"unit": "Ü"},
        {"unit_name": ""},
    ):
        with pytest.raises(errors.InputError):
            Registry.create(tmp_path / "office", **{**given, **wrong})
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "full"]
    (tmp_path / "office").mkdir()
    Registry.create(tmp_path / "office", **given).close()
    with pytest.raises(errors.InvalidArgument, match="holds no office"):
        View.open(tmp_path / "full")
    with pytest.raises(errors.WrongPassword, match=r"office\.key"):
        Registry.open(tmp_path / "office", password=lambda key_id: "not it")
