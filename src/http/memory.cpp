// What the process and what it keeps take, as SHOW MEM has it, beside the machine's.

#include "http/figures.hpp"
#include "http/handlers.hpp"
#include "http/json.hpp"

namespace forebay::http::handlers {

void memory(const CallPtr& call, const Done& done) {
  gather_figures(call->inquiry(), call->watch, [done](const Figures& figures) {
    boost::json::array objects;
    for (const pgfront::ObjectFacts& facts : figures.objects) {
      objects.push_back({{"object", facts.name},
                         {"count", facts.used},
                         {"bytes_each", facts.size},
                         {"bytes", facts.size * facts.used}});
    }
    done(data_reply(boost::json::object{{"resident_bytes", figures.process.resident_bytes},
                                        {"virtual_bytes", figures.process.virtual_bytes},
                                        {"cache_bytes", figures.store.bytes},
                                        {"cache_limit_bytes", figures.store_capacity},
                                        {"machine_bytes", figures.machine.memory_bytes},
                                        {"machine_available_bytes", figures.machine.available_bytes},
                                        {"objects", std::move(objects)}}));
  });
}

}  // namespace forebay::http::handlers
