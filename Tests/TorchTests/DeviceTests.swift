import Testing
import Torch

extension Engine {
    @Suite("Devices and the runtime")
    struct DeviceTests {
        @Test("cpu is always there")
        func cpu() throws {
            #expect(try Device("cpu") == .cpu)
            #expect(Device.cpu.description == "cpu")
            #expect(try Tensor.zeros([1]).device == .cpu)
            #expect(try Tensor.zeros([1]).to(.cpu).device == .cpu)
            #expect(Device(kind: .cuda, index: 1).description == "cuda:1")
        }

        @Test(
            "names that are no device are refused by name",
            arguments: [
                "", "gpu", "CPU", "cpu:0", "cuda:", "cuda:-1", "cuda:x", "cuda:+1", "cuda:1:2", " cpu", ":0",
                "cuda:99999999999999999999",
            ])
        func unknown(_ name: String) {
            expectTorchError("unknown device '\(name)'", "cpu, cuda, cuda:N or mps") { _ = try Device(name) }
        }

        @Test("a device that is not there is refused, with what to do", arguments: ["cuda:99", "mps:99"])
        func unavailable(_ name: String) {
            expectTorchError("device '\(name)' is not available", "use --device cpu") { _ = try Device(name) }
        }

        @Test(
            "a plain name is refused exactly where the library sees no such device",
            arguments: ["cuda", "mps"])
        func plainName(_ name: String) throws {
            do {
                let device = try Device(name)
                #expect(try Tensor.ones([2], device: device).sum().item() == 2)
            } catch let error as TorchError {
                #expect(error.description.contains("device '\(name)' is not available"))
                #expect(error.description.contains("sees 0 \(name) device(s)"))
            }
        }

        @Test("a tensor on a device that is not there throws", arguments: [99, 300, Int.max, -7])
        func tensorElsewhere(_ index: Int) {
            let device = Device(kind: .cuda, index: index)
            #expect(throws: TorchError.self) { try Tensor.zeros([1], device: device) }
            #expect(throws: TorchError.self) { try Tensor.zeros([1]).to(device) }
            #expect(throws: TorchError.self) { try Tensor([1] as [Float], device: device) }
        }

        @Test("the runtime describes itself")
        func runtime() {
            #expect(Runtime.version.hasPrefix("2."))
            #expect(!Runtime.cpuCapability.isEmpty)
            #expect(Runtime.threadCount > 0)
        }

        @Test(
            "a number of threads that makes no sense is refused",
            arguments: [0, -1, 4097, 100_000, Int.max, Int.min])
        func threadCount(_ count: Int) {
            expectTorchError("threads must be from 1 to 4096", "\(count)") {
                try Runtime.setThreadCount(count)
            }
        }

        @Test("a live tensor counts once, until it is released")
        func liveTensors() async {
            // In a process of its own: the count is of all threads, and other modules' tests run beside this.
            await #expect(processExitsWith: .success) {
                let before = Runtime.liveTensorCount
                do {
                    let first = try Tensor.zeros([2])
                    #expect(Runtime.liveTensorCount == before + 1)
                    let view = try first.reshaped([1, 2])
                    let alias = first
                    #expect(Runtime.liveTensorCount == before + 2)
                    #expect(throws: TorchError.self) { try first.matmul(try Tensor.zeros([3, 3])) }
                    #expect(Runtime.liveTensorCount == before + 2)
                    withExtendedLifetime((view, alias)) {}
                }
                #expect(Runtime.liveTensorCount == before)
            }
        }
    }
}
