import Files
import Foundation
import TestSupport
import Testing

@testable import Hub
@testable import HubStore

@Suite struct ParsingTests {
    @Test(arguments: ["bert-base-uncased", "org/name", "a/b.c_d-e", "123", "Foo-BAR_foo.bar123"])
    func goodIds(id: String) throws { #expect(try HubRepository(id).id == id) }

    @Test(arguments: [
        "", "/", "a/", "/b", "a/b/c", "a--b", "a..b", ".a", "a.", "-a/b", "a/b.git", "a b", "é/b", "a/\0",
        "../..", "a\\b",
        String(repeating: "x", count: 97),
    ])
    func badIds(id: String) { #expect(throws: HubError.self) { try HubRepository(id) } }

    @Test(arguments: ["../x", "/x", "a//b", "", "a\0b", "a/../../b", "x/", "a\nb"])
    func badRevisions(revision: String) {
        #expect(throws: HubError.self) { try HubRepository("a/b", revision: revision) }
    }

    @Test(arguments: [
        "../x", "/etc/passwd", "a/../../x", "a/./b", "a//b", "a\\..\\b", "C:x", "a/D:y", "a\0", "a\n", "",
        String(repeating: "x", count: 256), "..", ".", "a/..",
    ])
    func aFileNameCannotLeaveTheCache(name: String) async throws {
        #expect(RepositoryPath.problem(name) != nil)
        var repository = FakeRepository.model
        repository.files[name] = [1]
        #expect(throws: HubError.self) { try RepositoryListing(repository.listing, url: "u") }
    }

    @Test(arguments: ["a", "a/b.json", ".gitattributes", "données/é.txt", "a..b", "モデル.json"])
    func goodFileNames(name: String) { #expect(RepositoryPath.problem(name) == nil) }

    @Test func listingsCutAnywhereAreRefused() throws {
        let body = FakeRepository.model.listing
        #expect(try RepositoryListing(body, url: "u").files.count == 8)
        for end in body.indices {
            #expect(throws: HubError.self) { try RepositoryListing(Array(body[..<end]), url: "u") }
        }
    }

    @Test func listingsWithChangedBytesNeverGiveABadName() {
        var generator = SeededGenerator(seed: 7)
        let body = FakeRepository.model.listing
        for _ in 0..<3000 {
            var changed = body
            changed[Int.random(in: changed.indices, using: &generator)] = UInt8.random(
                in: 0...255, using: &generator)
            guard let listing = try? RepositoryListing(changed, url: "u") else { continue }
            #expect(listing.files.allSatisfy { RepositoryPath.problem($0.name) == nil })
            #expect(HubRepository.isHexadecimal(listing.commit, count: 40))
        }
    }

    @Test func etags() {
        let sha = String(repeating: "0f", count: 20)
        for form in [sha, "\"\(sha)\"", "W/\"\(sha)\""] { #expect(HubHeaders.etag(form) == sha) }
        for form in [
            "", "\"", "\"\"", "../../x", "\"../\(sha)\"", sha + "/", sha.uppercased(), String(sha.dropLast()),
        ] {
            #expect(HubHeaders.etag(form) == nil)
        }
    }

    @Test func contentRanges() throws {
        let range = try #require(HubHeaders.contentRange("bytes 10-19/20"))
        #expect(range.start == 10 && range.size == 20)
        #expect(try #require(HubHeaders.contentRange("bytes 0-0/*")).size == nil)
        for bad in [
            "", "bytes", "bytes 1-0/5", "bytes 0-5/5", "bytes -1-2/5", "bytes */5",
            "bytes 0-1/99999999999999999999", "0-1/2",
        ] {
            #expect(HubHeaders.contentRange(bad) == nil)
        }
    }

    /// FIPS 180-4's own examples, and what `git hash-object` says of an empty file.
    @Test func sha1() {
        func digest(_ text: String) -> String {
            var hash = SHA1()
            hash.update(text.utf8)
            return Digest.hexadecimal(hash.finalize())
        }
        #expect(digest("abc") == "a9993e364706816aba3e25717850c26c9cd0d89d")
        #expect(
            digest("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")
                == "84983e441c3bd26ebaae4aa1f95129e5e54670f1")
        #expect(digest("blob 0\0") == "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391")
    }

    @Test func references() throws {
        #expect(
            try HubReference.parse("org/name@v1") == .repository(HubRepository("org/name", revision: "v1")))
        let directory = FileManager.default.temporaryDirectory
        #expect(try HubReference.parse(directory.path) == .directory(URL(filePath: directory.path)))
        for text in ["./none", "/no/such/place", "a/b/c", "", "a/b@"] {
            #expect(throws: HubError.neitherPathNorRepository(text)) { try HubReference.parse(text) }
        }
    }

    @Test func theEnvironmentIsReadAsInPython() throws {
        let plain = HubConfiguration(environment: ["HOME": "/h"])
        #expect(plain.cache.path == "/h/.cache/huggingface/hub" && plain.endpoint == "https://huggingface.co")
        #expect(plain.token == nil && !plain.isOffline)
        let set = HubConfiguration(environment: [
            "HOME": "/h", "HF_HOME": "~/hf", "HUGGINGFACE_HUB_CACHE": "/old", "HF_HUB_CACHE": "$HF_HOME/c",
            "HF_TOKEN": " t\n",
            "TRANSFORMERS_OFFLINE": "yes", "HF_ENDPOINT": "http://e//",
        ])
        #expect(set.token == "t" && set.isOffline && set.endpoint == "http://e")
        #expect(HubConfiguration(environment: ["XDG_CACHE_HOME": "/x"]).cache.path == "/x/huggingface/hub")
        #expect(HubConfiguration(environment: ["HUGGINGFACE_HUB_CACHE": "/old"]).cache.path == "/old")
        #expect(
            !HubConfiguration(environment: ["HF_HUB_OFFLINE": "0", "TRANSFORMERS_OFFLINE": "1"]).isOffline)
    }
}
