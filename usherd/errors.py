"""Every error a client can see, one line each: the `type` is the class name in snake case."""

from __future__ import annotations

import re


class AppError(Exception):
    """What a request is refused with. `message` tells the caller what to do."""

    code, message = 500, "Something went wrong on our side."
    headers: dict[str, str] = {}  # noqa: RUF012 - read only
    failure_url: str = ""
    """Where a browser is sent to be told; without one it is told on a page of ours."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or self.message)
        if message is not None:
            self.message = message

    @property
    def type(self) -> str:
        """The machine-readable name, e.g. `user_email_already_exists`."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", type(self).__name__).lower()


RETRY = {"Retry-After": "2"}
"""Seconds after which it is worth asking again."""


# fmt: off
class GeneralUnknown(AppError): code, message = 500, "Something failed on our side; nothing was changed. Try again, and report the request id if it stays."
class GeneralServerError(AppError): code, message = 500, "The server could not do this; nothing was changed. Try again, and report the request id if it stays."
class GeneralAccessForbidden(AppError): code, message = 401, "This project may not use the service."
class GeneralUnknownOrigin(AppError): code, message = 403, "This web page may not act on the project. Register its hostname as a platform of the project."
class GeneralApiDisabled(AppError): code, message = 403, "The REST API is switched off for this project."
class GeneralServiceDisabled(AppError): code, message = 403, "This service is switched off for this project."
class GeneralUnauthorizedScope(AppError): code, message = 401, "The caller lacks the scope for this. Use an API key that has it, or sign in."
class GeneralRateLimitExceeded(AppError): code, message = 429, "Too many requests of this kind. Wait, and try again."
class GeneralSmtpDisabled(AppError): code, message = 503, "This needs mail, and no mail server is configured."
class GeneralPhoneDisabled(AppError): code, message = 503, "This needs text messages, and no SMS provider is configured."
class GeneralArgumentInvalid(AppError): code, message = 400, "A parameter of the request is not valid."
class GeneralQueryLimitExceeded(AppError): code, message = 400, "A query has too many values for one attribute."
class GeneralQueryInvalid(AppError): code, message = 400, "A query cannot be executed on this list."
class GeneralRouteNotFound(AppError): code, message = 404, "There is no such path, or not with this HTTP method."
class GeneralCursorNotFound(AppError): code, message = 400, "The cursor names no existing item; start again from the first page."
class GeneralProtocolUnsupported(AppError): code, message = 426, "Use https."
class GeneralNotImplemented(AppError): code, message = 405, "This is not implemented."
class GeneralInvalidEmail(AppError): code, message = 400, "The identifier of a target of type email must be an e-mail address."
class GeneralInvalidPhone(AppError): code, message = 400, "The identifier of a target of type sms must be a phone number with a leading + and country code."
class GeneralRegionAccessDenied(AppError): code, message = 451, "This country has no access."
class GeneralBadRequest(AppError): code, message = 400, "This cannot be done with the given data; check it, or sign in with the account you already have."
class GeneralOverloaded(AppError): code, message, headers = 503, "The server has too much of this work waiting. Try again shortly.", RETRY

class DatabaseTimeout(AppError): code, message = 408, "This took too long and was stopped. Narrow it down with more filters, or page with cursors and total=false."
class DatabaseUnavailable(AppError): code, message, headers = 503, "The database cannot be reached or written just now; nothing was changed. Try again shortly.", RETRY
class DatabaseQueryOrderNull(AppError): code, message = 400, "The cursor's item has no value in an attribute that the list is ordered by."

class ProjectNotFound(AppError): code, message = 404, "There is no project with this id. Check the X-Appwrite-Project header."
class ProjectKeyExpired(AppError): code, message = 401, "The API key has expired; make a new one."
class ProjectProviderDisabled(AppError): code, message = 412, "This OAuth2 provider is not switched on for the project."
class ProjectProviderUnsupported(AppError): code, message = 400, "This OAuth2 provider is not supported."
class ProjectInvalidSuccessUrl(AppError): code, message = 400, "The success URL's host is not a platform of the project."
class ProjectInvalidFailureUrl(AppError): code, message = 400, "The failure URL's host is not a platform of the project."

class ProviderNotFound(AppError): code, message = 404, "There is no messaging provider with this id; leave providerId out."
class ProviderIncorrectType(AppError): code, message = 400, "The messaging provider is of another type than the target."

class PasswordRecentlyUsed(AppError): code, message = 400, "This password was used recently; choose another."
class PasswordTooShort(AppError): code, message = 400, "The password is too short."
class PasswordTooSimple(AppError): code, message = 400, "The password needs more kinds of characters."
class PasswordTooWeak(AppError): code, message = 400, "The password is too easy to guess; use more and less common words."
class PasswordPwned(AppError): code, message = 400, "This password is known from stolen lists; choose another."

class EmailDomainNotAllowed(AppError): code, message = 400, "Addresses of this domain may not be used here; use another one."
class EmailDomainDenied(AppError): code, message = 400, "Addresses of this domain may not be used here; use another one."
class EmailDisposable(AppError): code, message = 400, "Disposable addresses may not be used here; use a lasting one."

class PasswordPersonalData(AppError): code, message = 400, "The password contains personal data (name, e-mail, phone or id); choose another."

class UserCountExceeded(AppError): code, message = 400, "The project has as many users as it may have."
class UserJwtInvalid(AppError): code, message = 401, "The JWT is not valid or has expired; get a new one."
class UserAlreadyExists(AppError): code, message = 409, "A user with this id, e-mail or phone exists already; choose another id or sign in."
class UserBlocked(AppError): code, message = 401, "This user is blocked; an administrator can lift that."
class UserInvalidToken(AppError): code, message = 401, "The secret is wrong, used up or expired; ask for a new one."
class UserInvalidCode(AppError): code, message = 401, "The code is wrong; ask for a new one."
class UserPasswordResetRequired(AppError): code, message = 412, "The password has to be reset first."
class UserEmailNotWhitelisted(AppError): code, message = 401, "This e-mail address may not be used in this project."
class UserIpNotWhitelisted(AppError): code, message = 401, "This network address may not be used in this project."
class UserInvalidCredentials(AppError): code, message = 401, "E-mail or password is wrong."
class UserSessionAlreadyExists(AppError): code, message = 401, "The caller is signed in already; end that session first."
class UserKeyAndSessionSet(AppError): code, message = 403, "Send either an API key or a session, not both."
class UserNotFound(AppError): code, message = 404, "There is no user with this id in the project."
class UserEmailAlreadyExists(AppError): code, message = 409, "Another user has this e-mail address; choose another."
class UserPhoneAlreadyExists(AppError): code, message = 409, "Another user has this phone number; choose another."
class UserPasswordMismatch(AppError): code, message = 400, "The passwords differ."
class UserSessionNotFound(AppError): code, message = 404, "The user has no session with this id."
class UserIdentityNotFound(AppError): code, message = 404, "There is no identity with this id in the project."
class UserUnauthorized(AppError): code, message = 401, "The API key or the caller is not known here. Check the key and the project."
class UserAuthMethodUnsupported(AppError): code, message = 501, "This way of signing in is switched off for the project."
class UserRecoveryCodesAlreadyExists(AppError): code, message = 409, "The user has recovery codes; replace them with PUT."
class UserRecoveryCodesNotFound(AppError): code, message = 404, "The user has no recovery codes; create them with PATCH."
class UserAuthenticatorNotFound(AppError): code, message = 404, "The user has no authenticator of this type."
class UserAuthenticatorAlreadyVerified(AppError): code, message = 409, "The user's authenticator is verified already; delete it first."
class UserPhoneNotFound(AppError): code, message = 400, "The user has no phone number."
class UserEmailNotFound(AppError): code, message = 400, "The user has no e-mail address."
class UserEmailNotVerified(AppError): code, message = 400, "The user's e-mail address is not verified."
class UserPhoneNotVerified(AppError): code, message = 400, "The user's phone number is not verified."
class UserEmailAlreadyVerified(AppError): code, message = 409, "The user's e-mail address is verified already."
class UserPhoneAlreadyVerified(AppError): code, message = 409, "The user's phone number is verified already."
class UserMissingId(AppError): code, message = 400, "The provider sent no id for this person."
class UserMoreFactorsRequired(AppError): code, message = 401, "This session needs a second factor; complete a challenge first."
class UserChallengeRequired(AppError): code, message = 401, "This needs a recent challenge; complete one first."
class UserOauth2BadRequest(AppError): code, message = 400, "The OAuth2 provider refused the request."
class UserOauth2Unauthorized(AppError): code, message = 401, "The OAuth2 provider refused the authorisation."
class UserOauth2ProviderError(AppError): code, message = 424, "The OAuth2 provider answered with an error."
class UserOauth2StateInvalid(AppError): code, message = 400, "This sign-in was not begun in this browser, was finished already, or took more than ten minutes. Start again."
class UserOauth2SignupDisabled(AppError): code, message = 403, "Nobody has an account with this identity, and this project makes none this way. Ask for an invitation."
class UserLastIdentity(AppError): code, message = 409, "This is the only way left to sign in; set a password or link another identity first."
class UserDeletionProhibited(AppError): code, message = 400, "This user cannot be deleted."
class UserTargetNotFound(AppError): code, message = 404, "The user has no target with this id."
class UserTargetAlreadyExists(AppError): code, message = 409, "A target with this id or identifier exists already; choose another."

class TeamNotFound(AppError): code, message = 404, "There is no team with this id, or the caller is no member."
class TeamAlreadyExists(AppError): code, message = 409, "A team with this id exists already; choose another."
class TeamInviteNotFound(AppError): code, message = 404, "There is no such invitation."
class TeamInvalidSecret(AppError): code, message = 401, "The invitation's secret is wrong or was replaced; use the newest invitation, or ask for one."
class TeamMembershipMismatch(AppError): code, message = 404, "The membership belongs to another team."
class TeamInviteMismatch(AppError): code, message = 401, "The invitation belongs to another user."

class MembershipNotFound(AppError): code, message = 404, "There is no membership with this id."
class MembershipAlreadyConfirmed(AppError): code, message = 409, "The membership is confirmed already."
class MembershipDeletionProhibited(AppError): code, message = 400, "This membership cannot be deleted."
class MembershipDowngradeProhibited(AppError): code, message = 400, "The last owner cannot give the role up."
# fmt: on


class RequestRefused(GeneralArgumentInvalid):
    """What HTTP itself has a status for; the protocol has no type of its own for these."""

    @property
    def type(self) -> str:
        """The type of any other thing that is wrong with a request."""
        return "general_argument_invalid"


# fmt: off
class PayloadTooLarge(RequestRefused): code, message = 413, "The request's body is too large; send less."
class HeadersTooLarge(RequestRefused): code, message = 431, "The request's headers are too large or too many; send less."
class RequestTooSlow(RequestRefused): code, message = 408, "The request did not arrive in time; send it faster."
# fmt: on


def missing(parameter: str) -> GeneralArgumentInvalid:
    """A required parameter that was not sent."""
    return GeneralArgumentInvalid(f'Param "{parameter}" is not optional.')


def invalid(parameter: str, reason: str) -> GeneralArgumentInvalid:
    """A parameter that cannot be accepted; `reason` says what would be right."""
    return GeneralArgumentInvalid(f"Invalid `{parameter}` param: {reason}")
