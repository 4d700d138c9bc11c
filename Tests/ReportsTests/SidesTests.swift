import Foundation
import JSON
import Testing

@testable import Reports

/// Pages of runs whose student and teacher differ in more than size: in inputs, in tokens, in the rounding of weights.
@Suite("The page of unlike models")
struct SidesTests {
    private func words(_ record: JSONValue) throws -> String {
        let records = try Records()
        return try HTMLReport(records.run("student", record)).html()
            .replacing(/<style>.*?<\/style>/.dotMatchesNewlines(), with: "")
            .replacing(/<[^>]*>/, with: " ").replacing(/\s+/, with: " ")
    }

    @Test(
        "a student for embeddings beside a teacher of pairs: ranking measures, a correlation, and two kinds of time"
    )
    func pairs() throws {
        func model(_ ndcg: Double, _ spearman: Double, _ p50: Double, _ facts: JSONObject) -> JSONValue {
            var object: JSONObject = [
                "problem_type": "sentence_embedding",
                "metrics": ["ndcg@10": .number(ndcg), "spearman": .number(spearman)], "examples": 300,
                "parameters": 22_000_000, "bytes_on_disk": 90_000_000,
                "latency_p50_milliseconds": .number(p50),
            ]
            for (key, value) in facts { object[key] = value }
            return .object(object)
        }
        guard var record = Records.distillation().objectValue else { return }
        for key in ["labels", "epochs"] { record[key] = .array([]) }
        record["teacher"] = model(0.6989, 0.1852, 10.7, ["scores_pairs": true])
        record["student"] = model(0.9135, 0.5268, 9.41, [:])
        record["comparison"] = ["agreement": 0.2357, "parameter_ratio": 1, "size_ratio": 1]
        let text = try words(.object(record))
        for part in [
            "Spearman correlation against size", "nDCG@10 0.6989 0.9135", "similarity to teacher 0.2357",
            "latency p50, one text (teacher: one pair) 10.7 ms 9.41 ms", "300 texts",
            "teacher: 10.7 ms a pair",
        ] { #expect(text.contains(part), "\(part)") }
        for part in ["23.57 %", "as fast", "of cosines", "against latency"] {
            #expect(!text.contains(part), "\(part)")
        }
    }

    @Test(
        "a language model with other tokens than its teacher's is told by bits per byte, and how both were aligned"
    )
    func tokens() throws {
        func model(_ perplexity: Double, _ bits: Double, bytes: Int) -> JSONValue {
            [
                "problem_type": "causal_language_model",
                "metrics": ["perplexity": .number(perplexity), "bits_per_byte": .number(bits)],
                "examples": 100, "parameters": .integer(bytes / 4), "bytes_on_disk": .integer(bytes),
            ]
        }
        guard var record = Records.languageModel().objectValue else { return }
        for key in ["gain", "seeds", "comparison", "baseline"] { record[key] = nil }
        record["teacher"] = model(123.6322, 1.4905, bytes: 98_000_000)
        record["student"] = model(4170.1508, 3.3175, bytes: 1_000_000)
        record["alignment"] = ["coverage": 0.979, "single_token_spans": 0.796, "shared_tokens": 3862]
        let text = try words(.object(record))
        for part in [
            "The student has bits per byte 3.3175 against the teacher’s 1.4905", "Bits per byte against size",
            "perplexities and losses by token cannot be compared",
            "97.90 % of the student’s trained tokens are in spans that both tokenizers divide, 79.60 % of which are one token in either; the "
                + "vocabularies share 3862 tokens.",
        ] { #expect(text.replacing("\u{A0}", with: " ").contains(part), "\(part)") }
        #expect(!text.contains("Perplexity against size"))
    }

    @Test("figures of rounded weights are told as such, beside the size of the float weights")
    func rounded() throws {
        guard var record = Records.languageModel().objectValue,
            var settings = record["settings"]?.objectValue
        else { return }
        settings["quantize_aware_type"] = "q4_0"
        record["settings"] = .object(settings)
        let text = try words(.object(record))
        for part in [
            "of its weights rounded to q4_0, as distill export --format gguf --outtype q4_0 writes them",
            "at 1/1.5 of its size before rounding", "weights on disk, before rounding",
        ] { #expect(text.contains(part), "\(part)") }
    }

    @Test("a student of scores in several files has all of their names")
    func scores() throws {
        guard var record = Records.distillation(teacherPath: "/data/zs.jsonl, /data/zst.jsonl").objectValue,
            var teacher = record["teacher"]?.objectValue
        else { return }
        teacher["parameters"] = 0
        record["teacher"] = .object(teacher)
        #expect(try words(.object(record)).contains("Distilled from zs.jsonl, zst.jsonl on train.csv"))
    }
}
