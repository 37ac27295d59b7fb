#pragma once

#include <memory>
#include <string_view>

#include "advise/board.hpp"
#include "http/figures.hpp"
#include "monitor/watched.hpp"

namespace forebay::http {

/// Puts together what is known, every few seconds, for recommendations to be made from it; what is open, the
/// console is told, too. Used by the thread of HTTP.
class Adviser {
 public:
  /// `front` and `watched` outlive this object.
  Adviser(pgfront::Front& front, pgfront::Post here, monitor::Watched& watched)
      : front_(front), here_(std::move(here)), watched_(watched) {}

  /// Once a second. Statements are asked for besides, when it is time.
  void note(const Figures& figures, TimePoint now);

  const advise::Board& board() const { return board_; }
  /// See advise::Board.
  bool dismiss(std::string_view id, std::string_view by);
  bool restore(std::string_view id);

 private:
  void publish();

  pgfront::Front& front_;
  const pgfront::Post here_;
  monitor::Watched& watched_;
  advise::Board board_;
  TimePoint noted_{};
  const std::shared_ptr<void> alive_ = std::make_shared<char>();
};

}  // namespace forebay::http
