import JSON
import Testing
import Tokenizers

@testable import Serving

@Suite("Batches")
struct SchedulerTests {
    private static let texts = [
        "good", "a bad film", "It is a long story that never ends.", "fine", "terrible",
    ]

    /// Waits until inputs wait.
    private func waits(_ count: Int, _ service: PredictService) async throws {
        while service.batches.waitingCount < count { try await Task.sleep(for: .milliseconds(1)) }
    }

    @Test("what waits is computed together, up to a number of tokens, with the answers of each alone")
    func together() async throws {
        let service = try PredictService { $0.maxBatchTokens = 64 }
        let bodies = (0..<30).map { JSONValue.string(Self.texts[$0 % 5]) }
        var alone: [JSONValue] = []
        for body in bodies { alone.append(try await service.answer(["inputs": body, "raw_scores": true])) }
        service.batches.pause()
        let answers = try await withThrowingTaskGroup(of: (Int, JSONValue).self) { group in
            for (index, body) in bodies.enumerated() {
                group.addTask { (index, try await service.answer(["inputs": body, "raw_scores": true])) }
            }
            try await waits(30, service)
            service.batches.resume()
            return try await group.reduce(into: [Int: JSONValue]()) { $0[$1.0] = $1.1 }
        }
        for index in bodies.indices { #expect(answers[index] == alone[index]) }
        // 30 batches of one before; then as few as hold the tokens.
        let line = try #require(
            service.metricsText.split(separator: "\n").first { $0.hasPrefix("te_batch_next_size_count") })
        let count = try #require(Int(line.split(separator: " ")[1])) - 30
        #expect(2...15 ~= count)
        #expect(service.metricsText.contains("te_batch_next_tokens_bucket{le=\"64.0\"} \(30 + count)\n"))
    }

    @Test("two models of a process take turns, each with its own answers")
    func models() async throws {
        let scratch = try Scratch()
        let other = try scratch.model("multi", ["problem_type": "multi_label_classification"])
        let service = try PredictService(
            [ModelReference("a=\(tinyTeacher.path)"), ModelReference("b=\(other)")])
        let expected = [
            "a": try await service.answer(["inputs": "good"], model: "a"),
            "b": try await service.answer(["inputs": "good"], model: "b"),
        ]
        #expect(expected["a"] != expected["b"])
        service.batches.pause()
        try await withThrowingTaskGroup(of: (String, JSONValue).self) { group in
            for index in 0..<40 {
                let name = index % 3 == 0 ? "b" : "a"
                group.addTask { (name, try await service.answer(["inputs": "good"], model: name)) }
            }
            try await waits(40, service)
            service.batches.resume()
            for try await (name, answer) in group { #expect(answer == expected[name]) }
        }
    }

    @Test("requests above the limit are refused at once, and later ones are not")
    func overload() async throws {
        let service = try PredictService { $0.maxConcurrentRequests = 3 }
        service.batches.pause()
        try await withThrowingTaskGroup(of: JSONValue.self) { group in
            for _ in 0..<3 { group.addTask { try await service.answer(["inputs": "good"]) } }
            try await waits(3, service)
            for _ in 0..<5 {
                let error = await #expect(throws: ServingError.self) {
                    try await service.answer(["inputs": "good"])
                }
                #expect(error?.kind == .overloaded)
            }
            service.batches.resume()
            var count = 0
            for try await answer in group where answer.arrayValue?.count == 2 { count += 1 }
            #expect(count == 3)
        }
        #expect(try await service.answer(["inputs": "good"]).arrayValue?.count == 2)
        #expect(service.metricsText.contains("te_request_failure{err=\"overloaded\"} 5\n"))
    }

    @Test("a request that waits longer than its deadline is not computed")
    func deadline() async throws {
        let service = try PredictService { $0.requestTimeout = .milliseconds(20) }
        service.batches.pause()
        async let late: Void = {
            let error = await #expect(throws: ServingError.self) {
                try await service.answer(["inputs": [["good"], ["bad"]]])
            }
            #expect(error?.kind == .overloaded)
            #expect(error?.message.contains("deadline") == true)
        }()
        try await waits(2, service)
        try await Task.sleep(for: .milliseconds(50))
        service.batches.resume()
        await late
        #expect(service.metricsText.contains("te_batch_next_size_count 0\n"))
        #expect(service.metricsText.contains("te_queue_size 0\n"))
    }

    @Test("a scheduler that stops computes what waits, and refuses what comes later")
    func stop() async throws {
        let service = try PredictService()
        service.batches.pause()
        async let answer = service.answer(["inputs": "good"])
        try await waits(1, service)
        service.batches.stop()
        #expect(try await answer.arrayValue?.count == 2)
        let error = await #expect(throws: ServingError.self) { try await service.answer(["inputs": "good"]) }
        #expect(error?.kind == .unhealthy)
    }

    @Test("large requests are read on threads beside, with the same answers")
    func large() async throws {
        let service = try PredictService { $0.autoTruncate = true }
        let text = String(repeating: "good film ", count: 5000)
        let expected = try await service.answer(["inputs": .string(String(text.prefix(1000)))])
        try await withThrowingTaskGroup(of: JSONValue.self) { group in
            for _ in 0..<16 { group.addTask { try await service.answer(["inputs": .string(text)]) } }
            for try await answer in group { #expect(answer == expected) }
        }
    }
}
