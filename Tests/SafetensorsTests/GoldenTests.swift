import Files
import Foundation
import Safetensors
import TestSupport
import Testing

@Suite("Files of the Python library")
struct GoldenTests {
    @Test(
        "names, dtypes, shapes, bytes and metadata are read as Python wrote them",
        arguments: Expected.fileNames)
    func read(name: String) throws {
        let expected = try Expected.load(name)
        let file = try SafetensorsFile(contentsOf: fixtures.appending(path: name))
        #expect(file.metadata == expected.metadata)
        #expect(
            file.tensors.map(\.name.unicodeScalars.count) == expected.tensors.map(\.name.unicodeScalars.count)
        )
        for (tensor, wanted) in zip(file.tensors, expected.tensors) {
            #expect(tensor.name.utf8.elementsEqual(wanted.name.utf8))
            #expect(tensor.dtype.rawValue == wanted.dtype)
            #expect(tensor.shape == wanted.shape)
            #expect(file.info(wanted.name) == tensor)
            #expect(try file.bytes(of: wanted.name).elementsEqual(wanted.bytes))
        }
    }

    @Test(
        "the same tensors are written to the same bytes, in whatever order they come",
        arguments: Expected.fileNames)
    func write(name: String) throws {
        let expected = try Expected.load(name)
        let golden = try Data(contentsOf: fixtures.appending(path: name))
        var generator = SeededGenerator(seed: 1)
        try withTemporaryDirectory { directory in
            let url = directory.appending(path: name)
            for _ in 0..<5 {
                let entries = try expected.tensors.shuffled(using: &generator).map { try $0.entry() }
                try SafetensorsWriter.write(entries, metadata: expected.metadata, to: url)
                #expect(try Data(contentsOf: url) == golden)
            }
            #expect(try directory.contents() == [name])
        }
    }

    @Test("every dtype that Python can write was tested, the 6-bit floats aside")
    func everyDType() throws {
        let tested = Set(try Expected.load("every-dtype.safetensors").tensors.map(\.dtype))
        let others = SafetensorsDType.allCases.map(\.rawValue).filter { !tested.contains($0) }
        #expect(others == ["F6_E2M3", "F6_E3M2"])
    }

    @Test("a sharded checkpoint of Python's is read")
    func readSharded() throws {
        let expected = try Expected.load("sharded")
        let checkpoint = try SafetensorsCheckpoint(directory: fixtures.appending(path: "sharded"))
        #expect(checkpoint.names.sorted() == expected.tensors.map(\.name).sorted())
        #expect(checkpoint.tensors.map(\.name) == checkpoint.names)
        #expect(checkpoint.files.count == 5)
        for wanted in expected.tensors {
            #expect(checkpoint.info(wanted.name)?.shape == wanted.shape)
            #expect(checkpoint.info(wanted.name)?.dtype.rawValue == wanted.dtype)
            #expect(try checkpoint.bytes(of: wanted.name).elementsEqual(wanted.bytes))
        }
        let error = #expect(throws: SafetensorsError.self) { try checkpoint.bytes(of: "nothing") }
        #expect(error?.description.contains("tensor \"nothing\": is not in this checkpoint") == true)
    }

    @Test("the same checkpoint is split into the same shards, byte for byte")
    func writeSharded() throws {
        let golden = fixtures.appending(path: "sharded")
        let entries = try Expected.load("sharded").tensors.map { try $0.entry() }
        try withTemporaryDirectory { directory in
            let written = try SafetensorsWriter.writeSharded(
                entries, toDirectory: directory, maximumShardBytes: 1000)
            #expect(try directory.contents() == golden.contents())
            #expect(try written.map { URL(filePath: $0).lastPathComponent } == golden.contents())
            for name in try golden.contents() where name.hasSuffix(".safetensors") {
                let (ours, theirs) = (directory.appending(path: name), golden.appending(path: name))
                #expect(try Data(contentsOf: ours) == Data(contentsOf: theirs), "\(name)")
            }
            #expect(try index(directory) == index(golden))
        }
    }

    private struct Index: Decodable, Equatable {
        let metadata: [String: Int]
        let weightMap: [String: String]

        enum CodingKeys: String, CodingKey {
            case metadata
            case weightMap = "weight_map"
        }
    }

    private func index(_ directory: URL) throws -> Index {
        let data = try Data(contentsOf: directory.appending(path: SafetensorsCheckpoint.indexFileName))
        return try JSONDecoder().decode(Index.self, from: data)
    }
}
