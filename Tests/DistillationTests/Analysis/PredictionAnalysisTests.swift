import Foundation
import Reports
import Testing
import Transformers

@testable import Distillation

@Suite("What answers show: calibration, differences, mistakes")
struct PredictionAnalysisTests {
    /// Logits whose softmax is known: logarithms of probabilities.
    private func logits(_ probabilities: [[Double]]) -> Logits {
        Logits(values: probabilities.joined().map { Float(log($0)) }, classes: probabilities[0].count)
    }

    @Test("the lists and counts of a small case, by hand")
    func small() throws {
        let teacher = logits([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3], [0.4, 0.6]])
        let student = logits([[0.8, 0.2], [0.9, 0.1], [0.9, 0.1], [0.7, 0.3]])
        let targets = Targets.classes([0, 1, 1, 0], count: 2)
        let analysis = PredictionAnalysis(
            student: student, teacher: teacher, targets: targets, labels: ["no", "yes"], data: "d.csv",
            rows: [10, 11, 12, 13])
        #expect(
            analysis.outcomes
                == .init(bothRight: 1, onlyTeacherRight: 1, onlyStudentRight: 1, bothWrong: 1))
        let differ = try #require(analysis.differMost)
        // KL(teacher ‖ student), summed by hand.
        let kl = [
            0.9 * log(0.9 / 0.8) + 0.1 * log(0.1 / 0.2), 0.2 * log(0.2 / 0.9) + 0.8 * log(0.8 / 0.1),
            0.7 * log(0.7 / 0.9) + 0.3 * log(0.3 / 0.1), 0.4 * log(0.4 / 0.7) + 0.6 * log(0.6 / 0.3),
        ]
        #expect(differ.map(\.row) == [12, 14, 13, 11])
        for (example, expected) in zip(differ, [kl[1], kl[3], kl[2], kl[0]]) {
            #expect(abs(try #require(example.difference) - expected) < 1e-6)
        }
        #expect(differ[0].labels == ["yes"])
        #expect(differ[0].teacher?.labels == ["yes"] && differ[0].student.labels == ["no"])
        let probabilities = try #require(differ[0].student.probabilities)
        #expect(probabilities.map(\.label) == ["no", "yes"])
        #expect(abs(probabilities[0].value - 0.9) < 1e-6)
        #expect(try #require(analysis.bothWrong).map(\.row) == [13])
    }

    @Test(
        "the calibration error of the bins is the one that metrics have",
        arguments: TaskIdentifier.sequenceTasks)
    func calibration(_ type: TaskIdentifier) throws {
        let (student, teacher, targets) = random(type, count: 300, classes: 4)
        let analysis = PredictionAnalysis(
            student: student, teacher: teacher, targets: targets, labels: names, data: "d")
        guard type != .regression else {
            #expect(analysis.studentCalibration == nil && analysis.outcomes == nil)
            return
        }
        for (bins, logits) in [
            (analysis.studentCalibration, student), (analysis.teacherCalibration, teacher),
        ] {
            let bins = try #require(bins)
            let expected = try #require(try Evaluator.validation(logits, targets: targets)[.ece])
            #expect(abs(try #require(CalibrationBin.expectedError(bins)) - expected) < 1e-12)
            #expect(bins.count == CalibrationHistogram.usualCount)
            #expect(bins.first?.lower == 0 && bins.last?.upper == 1)
            #expect(bins.allSatisfy { $0.count == 0 || ($0.lower...$0.upper).contains($0.confidence) })
        }
        let outcomes = try #require(analysis.outcomes)
        let right = outcomes.bothRight + outcomes.onlyStudentRight
        let accuracy = try #require(try Evaluator.validation(student, targets: targets)[.accuracy])
        #expect(abs(Double(right) / 300 - accuracy) < 1e-12)
        let all = right + outcomes.onlyTeacherRight + outcomes.bothWrong
        #expect(all == 300)
    }

    @Test(
        "the mean difference is the KL that metrics have; lists are sorted and no longer than asked",
        arguments: TaskIdentifier.sequenceTasks)
    func differences(_ type: TaskIdentifier) throws {
        let (student, teacher, targets) = random(type, count: 50, classes: 4)
        func analysis(_ limit: Int) -> PredictionAnalysis {
            PredictionAnalysis(
                student: student, teacher: teacher, targets: targets, labels: names, data: "d", limit: limit)
        }
        let all = try #require(analysis(50).differMost).map { $0.difference ?? .nan }
        #expect(all.count == 50 && all == all.sorted(by: >))
        let values = try Evaluator.validation(student, targets: targets, teacher: teacher)
        if type == .regression {
            let mse = all.reduce(0) { $0 + $1 * $1 } / 50
            #expect(abs(mse - (try #require(values[.teacherMSE]))) < 1e-5)
        } else {
            #expect(abs(all.reduce(0, +) / 50 - (try #require(values[.kl]))) < 1e-5)
        }
        #expect(analysis(3).differMost?.map(\.difference) == Array(all.prefix(3)))
        #expect(try #require(analysis(3).bothWrong).count <= 3)
        let none = analysis(0)
        #expect(none.differMost == nil && none.bothWrong == nil)
        #expect(none.studentCalibration == analysis(3).studentCalibration)
    }

    @Test("where both are wrong, both are: compared with a search by hand")
    func bothWrong() throws {
        let (student, teacher, targets) = random(.singleLabel, count: 200, classes: 4)
        guard case .classes(let classes, _) = targets else { return }
        let (own, other) = (student.predictions, teacher.predictions)
        let expected = (0..<200).filter { own[$0] != classes[$0] && other[$0] != classes[$0] }
        let found = PredictionAnalysis(
            student: student, teacher: teacher, targets: targets, labels: names, data: "d", limit: 500)
        #expect(try #require(found.bothWrong).map { $0.row - 1 }.sorted() == expected)
        // The surest first: by the less sure of both.
        let sure = try #require(found.bothWrong).map { example in
            min(
                student.softmax(example.row - 1).max() ?? 0, teacher.softmax(example.row - 1).max() ?? 0)
        }
        #expect(sure == sure.sorted(by: >))
    }

    @Test("examples without a label count nowhere but among the differences")
    func unlabelled() throws {
        let (student, teacher, _) = random(.singleLabel, count: 10, classes: 4)
        let targets = Targets.classes([Int](repeating: BatchLabels.unlabelled, count: 10), count: 4)
        let analysis = PredictionAnalysis(
            student: student, teacher: teacher, targets: targets, labels: names, data: "d")
        #expect(analysis.studentCalibration?.allSatisfy { $0.count == 0 } == true)
        #expect(analysis.bothWrong == [])
        #expect(analysis.differMost?.count == 10 && analysis.differMost?[0].labels == [])
    }

    private let names = ["a", "b", "c", "d"]

    private func random(_ type: TaskIdentifier, count: Int, classes: Int) -> (Logits, Logits, Targets) {
        var state: UInt64 = 0x2545_F491_4F6C_DD1D
        func next() -> Double {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Double(state >> 11) / Double(1 << 53)
        }
        let width = type == .regression ? 1 : classes
        func logits() -> Logits {
            Logits(values: (0..<count * width).map { _ in Float(next() * 6 - 3) }, classes: width)
        }
        let targets: Targets =
            switch type {
            case .singleLabel, .tokenClassification, .causalLanguageModel:
                .classes((0..<count).map { _ in Int(next() * Double(classes)) }, count: classes)
            case .multiLabel:
                .sets((0..<count).map { _ in (0..<classes).filter { _ in next() > 0.5 } }, count: classes)
            case .regression, .embedding, .ranking: .values((0..<count).map { _ in Float(next() * 5) })
            }
        return (logits(), logits(), targets)
    }
}

@Suite("The history of log steps")
struct StepHistoryTests {
    private func step(_ number: Int, stage: String? = nil, loss: Double) -> StepMetrics {
        StepMetrics(
            step: number, totalSteps: 10_000, epoch: 0, stage: stage, loss: loss, terms: ["kl": loss * 2],
            metrics: MetricValues(), learningRate: Double(number), gradNorm: 1, examplesPerSecond: 1)
    }

    @Test("some hundreds of points are kept, and their mean stays", arguments: [1, 7, 400, 401, 800, 5000])
    func thinned(_ count: Int) throws {
        var history = StepHistory()
        for number in 1...count { history.append(step(number, loss: Double(number % 17))) }
        let points = history.points
        #expect(points.count <= StepHistory.limit + 1)
        #expect(points.count >= min(count, StepHistory.limit / 2))
        #expect(points.map(\.step) == points.map(\.step).sorted())
        #expect(points.last?.step == count)
        // Each point stands for the steps since the one before.
        var (sum, before) = (0.0, 0)
        for point in points {
            sum += point.loss * Double(point.step - before)
            #expect(abs((point.terms["kl"] ?? 0) - 2 * point.loss) < 1e-9)
            before = point.step
        }
        let expected = (1...count).reduce(0.0) { $0 + Double($1 % 17) }
        #expect(abs(sum - expected) < 1e-6 * max(1, expected))
    }

    @Test("no point mixes two stages")
    func stages() {
        var history = StepHistory()
        for number in 1...1000 {
            history.append(step(number, stage: number <= 333 ? "a" : "b", loss: number <= 333 ? 0 : 1))
        }
        #expect(history.points.allSatisfy { $0.loss == ($0.stage == "a" ? 0 : 1) })
        #expect(Set(history.points.map(\.stage)) == ["a", "b"])
    }
}
