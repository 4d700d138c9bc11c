import Foundation
import JSON
import Testing
import Tokenizers
import Torch
import Transformers

@testable import Distillation

@Suite("PEFT opens adapters", .enabled(if: Python.isThere, "run `make test`"))
struct AdapterInteropTests {
    private func request(_ model: URL, data: URL, output: URL, dropout: Double) -> FineTuneRequest {
        var request = FineTuneRequest(model: model, data: DataRequest(train: data), output: output)
        request.cache.directory = output.deletingLastPathComponent().appending(path: "cache")
        request.precision = .float32
        request.training.numTrainEpochs = 2
        request.training.learningRate = 1e-2
        request.training.perDeviceTrainBatchSize = 4
        request.training.gradientCheckpointing = dropout > 0
        var lora = LoRAOptions(rank: 4)
        (lora.dropout, lora.save) = (dropout, .adapter)
        request.training.lora = lora
        return request
    }

    @Test("a classifier's and a language model's: base and adapters have the logits of the merged model")
    func adapters() throws {
        let place = try TemporaryDirectory()
        let chats = place.url.appending(path: "chats.jsonl")
        try LanguageModelInteropTests.writeChats(to: chats)
        let llama = place.url.appending(path: "llama")
        try LanguageModelInteropTests.writeModel("llama", "TokenizersBackend", to: llama)
        var claims: [JSONValue] = []
        for (base, data, dropout) in [
            (Fixtures.teacher, Fixtures.reviews, 0.0), (llama, chats, 0.0), (llama, chats, 0.2),
        ] {
            let output = place.url.appending(path: "tuned-\(claims.count)")
            _ = try FineTuningRun(request(base, data: data, output: output, dropout: dropout)).run()
            let tokenizer = try Tokenizer.load(directory: output)
            let ids = try tokenizer.encode("a wonderful film, number 7").ids
            let model = try AutoModel.load(from: output).model
            let logits = try withNoGrad {
                try model(PackedInput(inputIDs: ids, offsets: [0, ids.count])).logits
            }
            claims.append([
                "base": .string(base.path), "adapter": .string(output.appending(path: "adapter").path),
                "language_model": .bool(base == llama), "ids": .array(ids.map { .integer(Int($0)) }),
                "logits": [
                    "shape": .array(logits.shape.map(JSONValue.integer)),
                    "values": .array(try logits.array(of: Float.self).map { .number(Double($0)) }),
                ],
            ])
        }
        let file = place.url.appending(path: "claims.json")
        try Data(JSONValue.array(claims).serialized().utf8).write(to: file)
        let script = Fixtures.folder.appending(path: "adapter_interop.py").path
        let result = try Python.run([script, file.path])
        #expect(result.status == 0, "\(result.output)")
    }
}
